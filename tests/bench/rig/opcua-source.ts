// A camera behind a real OPC UA server, in a process of its own: events of several codes each, at a rate.
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { openVirtualReader } from "../../../simulator/virtual-reader.ts";

/** What is asked of the process, as one JSON argument. */
export interface SourceOrder {
  readonly stateDir: string;
  readonly eventsPerSecond: number;
  readonly readsPerEvent: number;
}

/** What the server told; it may be less than was asked for, in more time. */
export interface SourceResult {
  readonly reads: number;
  readonly seconds: number;
}

/** Raised in one turn at most, so that the server gets round to its sockets. */
const eventsAtOnce = 20;
/** As many parcels as are at the camera within one pass: reads are to be the limit, not events. */
const parcelCount = 400;

const order = JSON.parse(process.argv[2] ?? "{}") as SourceOrder;
const reader = await openVirtualReader({ port: 0, name: "camera", stateDir: order.stateDir, security: "none" });

function say(message: unknown): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

/** Raises all events that the time asks for; the last ones late if the server cannot keep up. */
async function feed(seconds: number): Promise<SourceResult> {
  const startedAt = performance.now();
  const count = Math.round(order.eventsPerSecond * seconds);
  for (let raised = 0; raised < count; ) {
    const due = Math.floor(((performance.now() - startedAt) / 1_000) * order.eventsPerSecond);
    for (let left = Math.min(due, count, raised + eventsAtOnce) - raised; left > 0; left -= 1) {
      const first = raised * order.readsPerEvent;
      reader.raiseOptical(
        Array.from({ length: order.readsPerEvent }, (_, index) => ({
          text: `SF1${String((first + index) % parcelCount).padStart(12, "0")}`,
        })),
      );
      raised += 1;
    }
    await pause(1);
  }
  return { reads: count * order.readsPerEvent, seconds: (performance.now() - startedAt) / 1_000 };
}

say({ endpoint: reader.endpoint });
// Each line is a stretch, in seconds.
for await (const line of createInterface({ input: process.stdin })) say({ result: await feed(Number(line)) });
await reader.close();
process.exit(0);
