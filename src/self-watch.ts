import type { Clock } from "./lib/clock.ts";
import type { ClockSync } from "./lib/clock-sync.ts";
import type { Tell } from "./model/notice.ts";
import type { DurationMs } from "./model/units.ts";

/** How often passes that are over are closed. */
const sweepMs = 20;
/** How often the program looks at itself: clocks, rates. */
const secondMs = 1_000;
/** A wall clock that moved this much against the monotonic one was set, not drifting. */
const clockStepMs = 2_000;
/** Rates are means over this many seconds. */
const rateSeconds = 10;

/** What the daemon does by the clock. */
interface Timers {
  /** Each few tens of milliseconds. */
  readonly sweep: () => void;
  readonly eachSecond: readonly (() => void)[];
  /** How often systemd wants a sign of life; absent if it does not watch. */
  readonly watchdogMs: DurationMs | undefined;
  readonly feedWatchdog: () => unknown;
}

/** Starts them; the caller clears them. */
export function startTimers({ sweep, eachSecond, watchdogMs, feedWatchdog }: Timers): NodeJS.Timeout[] {
  const timers = [
    setInterval(sweep, sweepMs),
    setInterval(() => {
      for (const work of eachSecond) work();
    }, secondMs),
  ];
  if (watchdogMs !== undefined) timers.push(setInterval(feedWatchdog, watchdogMs));
  return timers;
}

/** Reads a second per device, from counters that are looked at each second. */
export function createRates(
  deviceCount: number,
  total: (device: number) => number,
): { tick(): void; of(device: number): number } {
  const history: number[][] = [];
  const tick = (): void => {
    history.push(Array.from({ length: deviceCount }, (_, device) => total(device)));
    if (history.length > rateSeconds + 1) history.shift();
  };
  return {
    tick,
    of: (device) => {
      const seconds = history.length - 1;
      if (seconds < 1) return 0;
      return (history[seconds]![device]! - history[0]![device]!) / seconds;
    },
  };
}

/** Hands on whether a time server sets the clock, when it is first looked at and at each change. */
export function createSyncWatch(
  { isSynchronized, hasTimeService }: Pick<ClockSync, "isSynchronized" | "hasTimeService">,
  changed: (state: "synchronized" | "unsynchronized" | "unwatched") => void,
): () => void {
  let before: string | undefined;
  return () => {
    const state = isSynchronized() ? "synchronized" : hasTimeService() ? "unsynchronized" : "unwatched";
    if (state !== before) changed(state);
    before = state;
  };
}

/** Tells when the box's clock was set: timers do not care, but the times in events jump. */
export function createClockWatch(clock: Clock, tell: Tell, stepped: (stepMs: number) => void): () => void {
  let offsetMs = clock.wallMs() - clock.monotonicMs();
  return () => {
    const stepMs = Math.round(clock.wallMs() - clock.monotonicMs() - offsetMs);
    if (Math.abs(stepMs) < clockStepMs) return;
    offsetMs += stepMs;
    tell({
      name: "clock/stepped",
      level: "warn",
      message: "This box's clock was set; times in events jump with it, their order does not",
      fields: { stepMs },
    });
    stepped(stepMs);
  };
}
