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

const lastMs = Date.parse("9999-12-31T23:59:59.999Z");

/** The clocks of this machine. */
export function createSystemClock(): Clock {
  return {
    monotonicMs: () => performance.now(),
    // RFC 3339 knows no later year, and an event with another time could not be read.
    wallMs: () => Math.min(Date.now(), lastMs),
    boot: randomBytes(4).toString("hex"),
  };
}

/** Ends a timer; nothing happens if it has run, or was ended before. */
export type Cancel = () => void;

/** What happens later. Everything that waits takes its timers from here, so that a simulation can hold the time. */
export interface Timers {
  /** Once, after `durationMs`. */
  after(durationMs: number, work: () => void): Cancel;
  /** Each `intervalMs`, until it is ended. */
  every(intervalMs: number, work: () => void): Cancel;
  /** Once what runs now is done, and what has come in meanwhile. */
  soon(work: () => void): void;
}

/** The timers of this machine. */
export const systemTimers: Timers = {
  after(durationMs, work) {
    const timer = setTimeout(work, durationMs);
    return () => clearTimeout(timer);
  },
  every(intervalMs, work) {
    const timer = setInterval(work, intervalMs);
    return () => clearInterval(timer);
  },
  soon: (work) => void setImmediate(work),
};

/** Resolves after `durationMs`, or at once when the signal aborts; never rejects. */
export function pause(
  durationMs: number,
  signal?: AbortSignal,
  timers: Pick<Timers, "after"> = systemTimers,
): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const cancel = timers.after(durationMs, done);
    signal?.addEventListener("abort", done, { once: true });
  });
}
