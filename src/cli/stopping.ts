import { once } from "node:events";
import type { DurationMs } from "../model/units.ts";

/** A wish to end, that a command which runs on and on looks at. */
export interface Stopping {
  readonly signal: AbortSignal;
  stop(): void;
  /** Forgets signals and time; call it when the command is done. */
  release(): void;
}

/** Ends at Ctrl-C or SIGTERM, or after some time. A second Ctrl-C ends the process at once. */
export function createStopping(durationMs?: DurationMs): Stopping {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  const timer = durationMs === undefined ? undefined : setTimeout(stop, durationMs);
  return {
    signal: controller.signal,
    stop,
    release() {
      clearTimeout(timer);
      process.off("SIGINT", stop);
      process.off("SIGTERM", stop);
    },
  };
}

/** Waits until a slow reader of stdout has made room, so that what is not read yet waits where it comes from. */
export async function roomOnStdout(): Promise<void> {
  if (process.stdout.writableNeedDrain) await once(process.stdout, "drain");
}
