import type { Ledger } from "../ledger/index.ts";
import type { Clock } from "../lib/clock.ts";
import type { DurationMs, EpochMs, MonotonicMs } from "../model/units.ts";
import type { ClockState, LedgerOptions } from "./messages.ts";

/** A wall clock that moved this much against the monotonic one was set, not drifting. */
const stepMs = 2_000;
/** Where nothing sets the clock, it has to run on for so long before anything is destroyed by it. */
const calmMs = 86_400_000;

/** What may go for its age. */
export interface Expiry {
  /** Delivered events that were made before this instant; */
  readonly at: EpochMs;
  /** … and that have at most this sequence. */
  readonly last: number;
}

/**
 * Decides by which clock events grow old: what was destroyed by a wrong one is gone for good.
 *
 * 1. Nothing goes while the clock is not known to be right: set by a time server or, where there is none, run on for a
 *    day without a step.
 * 2. No time counts but what this run has measured since the newest event that it found. Years that passed between two
 *    starts may have passed on the clock alone.
 * 3. An event of this run is as old as this run has measured, whatever the clock said when it was made.
 */
export interface Retention {
  /** Whether a time server sets the box's clock, as of now. */
  clockIs(state: ClockState): void;
  /** What the ledger holds up to `sequence` grows old from now on. To be called when an epoch has begun. */
  passed(sequence: number): void;
  /** To be called now and then, or steps are missed. Undefined: nothing may go. */
  expired(): Expiry | undefined;
}

export function createRetention(options: {
  readonly clock: Clock;
  readonly retainMs: DurationMs;
  /** When the newest event was made that this run found; 0 if there was none. */
  readonly lastAt: EpochMs;
  /** Its sequence. */
  readonly last: number;
}): Retention {
  const { clock, retainMs, lastAt, last: foundLast } = options;
  const startMs = clock.monotonicMs();
  const foundAt = lastAt > 0 ? lastAt : clock.wallMs();
  let state: ClockState = "unsynchronized";
  let offsetMs = clock.wallMs() - startMs;
  let calmSinceMs = startMs;
  let marks: { readonly sequence: number; readonly atMs: MonotonicMs }[] = [];
  let oldSequence = foundLast;

  function watchSteps(): void {
    const nowOffsetMs = clock.wallMs() - clock.monotonicMs();
    if (Math.abs(nowOffsetMs - offsetMs) >= stepMs) calmSinceMs = clock.monotonicMs();
    offsetMs = nowOffsetMs;
  }

  const isTrusted = (): boolean => {
    if (state === "synchronized") return true;
    return state === "unwatched" && clock.monotonicMs() - calmSinceMs >= calmMs;
  };

  return {
    clockIs(now) {
      state = now;
      watchSteps();
    },
    passed: (sequence) => void marks.push({ sequence, atMs: clock.monotonicMs() }),
    expired() {
      watchSteps();
      const nowMs = clock.monotonicMs();
      for (const { sequence, atMs } of marks) if (nowMs - atMs >= retainMs) oldSequence = sequence;
      marks = marks.filter(({ atMs }) => nowMs - atMs < retainMs);
      if (!isTrusted()) return undefined;
      const measuredAt = foundAt + (nowMs - startMs);
      return { at: Math.floor(Math.min(clock.wallMs(), measuredAt) - retainMs), last: oldSequence };
    },
  };
}

/** By which clock all events of a ledger grow old, and core data alone; absent: they stay as long as all others. */
export interface Retentions {
  readonly all: Retention;
  readonly core: Retention | undefined;
  clockIs(state: ClockState): void;
}

export function createRetentions(
  ledger: Pick<Ledger, "extent" | "readEach">,
  { retainMs, retainCoreMs }: Pick<LedgerOptions, "retainMs" | "retainCoreMs">,
  clock: Clock,
): Retentions {
  const { last } = ledger.extent();
  const lastAt = last === 0 ? 0 : (ledger.readEach(last, last)[0]?.at ?? 0);
  const all = createRetention({ clock, retainMs, lastAt, last });
  const core =
    retainCoreMs === undefined ? undefined : createRetention({ clock, retainMs: retainCoreMs, lastAt, last });
  return {
    all,
    core,
    clockIs(state) {
      all.clockIs(state);
      core?.clockIs(state);
    },
  };
}
