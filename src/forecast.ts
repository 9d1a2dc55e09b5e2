import type { DurationMs, MonotonicMs } from "./model/units.ts";

/** What is measured at one instant. */
export interface ForecastSample {
  readonly nowMs: MonotonicMs;
  /** Sequence of the newest event, and lowest one on disk. */
  readonly last: number;
  readonly first: number;
  /** Bytes that the events take, and that they may take. */
  readonly usedBytes: number;
  readonly bytesMax: number;
  /** Whose limit that is. */
  readonly limit: "bytes_max" | "disk";
  readonly brokers: readonly BrokerSample[];
}

export interface BrokerSample {
  readonly isUp: boolean;
  /** Events that it does not have. */
  readonly queuedCount: number;
  /** It has everything up to this sequence. */
  readonly deliveredTo: number;
}

/**
 * How much the events may take: what the quota allows, less what the disk would not have for it.
 *
 * Takes:   the files' sizes: what they hold already, free pages too, need no more of the disk.
 */
export function ceilingOf(
  ledger: { readonly usedBytesMax: number; readonly fileBytes: number; readonly walBytes: number },
  quotaBytes: number,
  freeBytes: number | undefined,
): Pick<ForecastSample, "bytesMax" | "limit"> {
  const missing = quotaBytes - ledger.fileBytes - ledger.walBytes - (freeBytes ?? Number.POSITIVE_INFINITY);
  return missing > 0
    ? { bytesMax: Math.max(0, ledger.usedBytesMax - missing), limit: "disk" }
    : { bytesMax: ledger.usedBytesMax, limit: "bytes_max" };
}

/** Hours from now; null: never, as things go. */
export interface Forecast {
  /** Until `when_full` decides what is lost. */
  readonly hoursUntilFull: number | null;
  /** Until each broker has all, in the order of the samples. */
  readonly hoursUntilDrained: readonly (number | null)[];
}

/** Rates are means over so long: a belt pauses between trucks. */
const windowMs = 600_000;
/** Less than this is no rate yet. */
const windowMsMin = 10_000;
/** Samples are kept this far apart, whatever the caller's rhythm. */
const sampleMs = 1_000;
/** A broker that is up and lacks no more than this keeps up: that many are on their way at any time. */
const keepsUpCount = 1_000;
/** Longer is never: no rate stays the same for a year. */
const hoursMax = 8_760;
const hourMs: DurationMs = 3_600_000;

/**
 * Foretells when the ledger is full and when brokers have all, from what was measured.
 *
 * Takes:   samples in their order, one a second or fewer; has no clock of its own.
 * Gives:   linear forecasts. The intake is the mean of ten minutes; what a broker takes is the mean since it last came up
 *          (nothing while it is down). Delivered events give way when room is needed, so only those count that some broker
 *          lacks, from the oldest of them on.
 * Cost:    holds 600 samples.
 */
export function createForecast(): { sample(sample: ForecastSample): void; now(): Forecast } {
  const samples: ForecastSample[] = [];
  /** When each broker was last seen to come up or go down. */
  const turnedAtMs: MonotonicMs[] = [];

  /** A mean per millisecond since `sinceMs`; undefined while too little was seen. */
  function rate(value: (sample: ForecastSample) => number, sinceMs: MonotonicMs): number | undefined {
    const newest = samples.at(-1);
    const oldest = samples.find(({ nowMs }) => nowMs >= sinceMs);
    if (newest === undefined || oldest === undefined) return undefined;
    const spanMs = newest.nowMs - oldest.nowMs;
    return spanMs < windowMsMin ? undefined : (value(newest) - value(oldest)) / spanMs;
  }

  const hours = (ms: number): number | null => (ms >= 0 && ms <= hoursMax * hourMs ? ms / hourMs : null);

  function drained(index: number, intake: number): number | null {
    const { isUp, queuedCount } = samples.at(-1)!.brokers[index]!;
    if (queuedCount === 0 || (isUp && queuedCount <= keepsUpCount)) return 0;
    const taken = isUp
      ? rate(({ last, brokers }) => last - brokers[index]!.queuedCount, turnedAtMs[index] ?? 0)
      : undefined;
    return taken === undefined || taken <= intake ? null : hours(queuedCount / (taken - intake));
  }

  function full(index: number, intake: number): number | null {
    const { first, last, usedBytes, bytesMax, brokers } = samples.at(-1)!;
    const { isUp, deliveredTo } = brokers[index]!;
    const taken = isUp ? rate((sample) => sample.brokers[index]!.deliveredTo, turnedAtMs[index] ?? 0) : undefined;
    // One that has just come up has shown nothing yet: what was foretold while it was down holds until it has.
    const done = taken ?? 0;
    if (intake <= done || last < first) return null;
    const eventBytes = usedBytes / (last - first + 1);
    const heldBytes = (last - Math.max(deliveredTo, first - 1)) * eventBytes;
    return hours(Math.max(0, bytesMax - heldBytes) / eventBytes / (intake - done));
  }

  return {
    sample(sample) {
      const before = samples.at(-1);
      if (before !== undefined && sample.nowMs - before.nowMs < sampleMs / 2) return;
      for (const [index, { isUp }] of sample.brokers.entries())
        if (before !== undefined && before.brokers[index]?.isUp !== isUp) turnedAtMs[index] = sample.nowMs;
      samples.push(sample);
      while (samples[0]!.nowMs < sample.nowMs - windowMs) samples.shift();
    },
    now() {
      const newest = samples.at(-1);
      const brokers = newest?.brokers ?? [];
      const intake = rate(({ last }) => last, 0);
      if (intake === undefined)
        return {
          hoursUntilFull: null,
          hoursUntilDrained: brokers.map(({ queuedCount }) => (queuedCount === 0 ? 0 : null)),
        };
      const hoursUntilDrained = brokers.map((_, index) => drained(index, intake));
      const fulls = brokers.map((_, index) => {
        const untilFull = full(index, intake);
        const untilDrained = hoursUntilDrained[index] ?? null;
        // A broker that has all before that frees what it held up.
        return untilFull === null || (untilDrained !== null && untilDrained <= untilFull)
          ? Number.POSITIVE_INFINITY
          : untilFull;
      });
      const soonest = Math.min(...fulls);
      return { hoursUntilFull: Number.isFinite(soonest) ? soonest : null, hoursUntilDrained };
    },
  };
}

/** It is told that the ledger fills when less is left … */
const raiseHours = 8;
/** … and that this is over when more is: in between nothing is news. */
const clearHours = 10;

export interface FullAlarm {
  /** To be called with each forecast; gives what is new, once. */
  look(hoursUntilFull: number | null): "raised" | "cleared" | undefined;
}

/** Decides when it is news that the ledger will be full within a shift. */
export function createFullAlarm(): FullAlarm {
  let isRaised = false;
  return {
    look(hoursUntilFull) {
      const hours = hoursUntilFull ?? Number.POSITIVE_INFINITY;
      if (isRaised ? hours < clearHours : hours >= raiseHours) return undefined;
      isRaised = !isRaised;
      return isRaised ? "raised" : "cleared";
    },
  };
}
