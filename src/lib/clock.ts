import { randomBytes } from "node:crypto";
import { performance } from "node:perf_hooks";

/**
 * Two clocks that must never be mixed: `monotonicMs` measures, `wallMs` dates.
 *
 * A box without a battery-backed clock may jump by years; only durations taken from `monotonicMs` survive that.
 */
export interface Clock {
  /** Milliseconds since this process started; never runs backwards. */
  monotonicMs(): number;
  /** Milliseconds since 1970 in UTC, as good as the box's clock. */
  wallMs(): number;
  /** Eight hex digits, drawn at random at each start: says which run a monotonic time belongs to. */
  readonly boot: string;
}

/** The clocks of this machine. */
export function createSystemClock(): Clock {
  return {
    monotonicMs: () => performance.now(),
    wallMs: () => Date.now(),
    boot: randomBytes(4).toString("hex"),
  };
}

/** Resolves after `durationMs`, or at once when the signal aborts; never rejects. */
export function pause(durationMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, durationMs);
    signal?.addEventListener("abort", done, { once: true });
  });
}
