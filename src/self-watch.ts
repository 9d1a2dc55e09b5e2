import { createForecast, createFullAlarm, type Forecast, type ForecastSample } from "./forecast.ts";
import type { Clock } from "./lib/clock.ts";
import type { ClockSync } from "./lib/clock-sync.ts";
import { createCollecting } from "./lib/collector.ts";
import type { Tell } from "./model/notice.ts";
import type { DurationMs } from "./model/units.ts";

/** How often passes that are over are closed. */
const sweepMs = 20;
/** How often the program looks at itself: clocks, rates. */
const secondMs = 1_000;
/** How often it looks whether there is garbage to collect. */
const collectMs = 200;
/** A wall clock that moved this much against the monotonic one was set, not drifting. */
const clockStepMs = 2_000;
/** Rates are means over this many seconds. */
const rateSeconds = 10;

/** What the daemon does by the clock. */
export interface Timers {
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
    setInterval(createCollecting(), collectMs),
  ];
  if (watchdogMs !== undefined) timers.push(setInterval(feedWatchdog, watchdogMs));
  return timers;
}

/** What keeps the ledger from being full, by what it has too little of. */
const remedies: Readonly<Record<ForecastSample["limit"], string>> = {
  bytes_max: "Bring the broker back, or raise queue.bytes_max",
  disk: "The disk of data_dir has less room than queue.bytes_max: bring the broker back, or free the disk: df -h",
};

export interface ForecastWatch {
  tick(): void;
  now(): Forecast;
}

/**
 * Asks each second how full the ledger is, foretells from it, and says once that it fills and once that this is over.
 *
 * Takes:   `sample`, which gives undefined while there is nothing new; it is not called again before it has answered.
 */
export function createForecastWatch(options: {
  readonly sample: () => Promise<ForecastSample | undefined>;
  readonly tell: Tell;
  readonly alarm: (data: { readonly alarm: string; readonly state: string; readonly hours?: number }) => void;
}): ForecastWatch {
  const { sample, tell, alarm } = options;
  const forecast = createForecast();
  const fullAlarm = createFullAlarm();
  let isAsking = false;

  function look({ limit }: ForecastSample): void {
    const { hoursUntilFull } = forecast.now();
    const news = fullAlarm.look(hoursUntilFull);
    if (news === undefined) return;
    const hours = hoursUntilFull === null ? undefined : Math.round(hoursUntilFull * 10) / 10;
    alarm({ alarm: "ledger-fills", state: news, ...(hours !== undefined && { hours }) });
    tell({
      name: "ledger/fills",
      level: news === "raised" ? "warn" : "info",
      message:
        news === "raised"
          ? `The ledger will be full within a shift, as things go, and then when_full decides what is lost. ${remedies[limit]}`
          : "The ledger no longer fills within a shift",
      fields: { hours: hours ?? "never" },
    });
  }

  return {
    now: forecast.now,
    tick() {
      if (isAsking) return;
      isAsking = true;
      const take = (taken: ForecastSample | undefined): void => {
        isAsking = false;
        if (taken === undefined) return;
        forecast.sample(taken);
        look(taken);
      };
      sample().then(take, () => take(undefined));
    },
  };
}

/** A main thread that comes to its timers later than this is no service any more. */
const lagMaxMs = 1_000;

/**
 * What proves that the gateway lives: the main thread keeps its times, and a commit has returned not long ago.
 *
 * Takes:   `beat`, which resolves once such a commit has returned. To be called each `everyMs`.
 */
export function createHeartbeat(options: {
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly everyMs: DurationMs;
  readonly beat: () => Promise<unknown>;
  readonly feed: () => void;
}): () => void {
  const { clock, everyMs, beat, feed } = options;
  let dueMs = clock.monotonicMs() + everyMs;
  let isAsking = false;
  const answered = (): void => {
    isAsking = false;
  };
  return () => {
    const lateMs = clock.monotonicMs() - dueMs;
    dueMs = clock.monotonicMs() + everyMs;
    // A ledger thread that does not answer is asked once, or its mailbox would grow.
    if (lateMs >= lagMaxMs || isAsking) return;
    isAsking = true;
    beat()
      .then(feed, () => {})
      .finally(answered);
  };
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
