import { join } from "node:path";
import { createControlClient, type Status } from "../../../src/control/index.ts";
import { type SortgateOptions, sortgate } from "./contenders.ts";
import { type Contender, scratch } from "./processes.ts";

/** The product, and what it says of itself while it runs. */
export function watchedSortgate(options: SortgateOptions = {}): {
  readonly contender: Contender;
  status(): Promise<Status>;
} {
  const controlSocket = join(scratch("control"), "control.sock");
  const client = createControlClient(controlSocket, "sortgate run");
  return {
    contender: sortgate({ ...options, controlSocket }),
    status: async () => (await client.get("/status")) as Status,
  };
}

/** Frames that its devices have sent, whatever stood in them. */
export function frameCount({ devices }: Status): number {
  return devices.reduce(
    (sum, { readCount, noReadCount, malformedCount }) => sum + readCount + noReadCount + malformedCount,
    0,
  );
}
