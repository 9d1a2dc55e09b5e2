import { assert } from "../../lib/assert.ts";
import type { DurationMs, EpochMs, MonotonicMs } from "../../model/units.ts";

/** Places in `Clocks.floats`: the monotonic clock, the wall clock, and the monotonic time of tick 0. */
const nowMs = 0;
const wallMs = 1;
const baseMs = 2;
/** What the wall clock showed at the last read, if nothing else has moved the clocks since. */
const readWallMs = 3;
/** Places in `Clocks.ints`: the monotonic clock in ticks since the base, and the era of the wall clock. */
const nowTick = 0;
const era = 1;
/** Those that are looked at for every read. */
export const clockPlaces = { nowMs, readWallMs, nowTick, era } as const;

/**
 * The time of the call in progress, and what the times in the records of passes mean.
 *
 * A record has four bytes for a time: a tick counts eighths of a millisecond since a base that moves on every 37 hours.
 * It has no place for a time by the wall clock: that is told from the tick and the era, a stretch in which the two
 * clocks kept step. They travel in memory because a float that is handed to a function is boxed.
 */
export interface Clocks {
  readonly floats: Float64Array;
  readonly ints: Int32Array;
  /** How far the wall clock was ahead of the monotonic one at the start of each era. */
  readonly aheadMs: Float64Array;
}

const ticksPerMs = 8;
/** Times later than the base by this much need a new base. */
const ticksMax = 2 ** 30;
/** Stands for this tick and all before it: longer ago than any span that is asked for. */
const oldestTick = 1 - ticksMax;
const spanMsMax: DurationMs = ticksMax / ticksPerMs;

/** Eras are numbered from 1 and round again; the wall clock would have to be set thousands of times within a pass. */
export const eraBits = 12;
/** No era: a pass that was last read when its ledger says that it was first read. */
const noEra = 0;
/** The wall clock counts whole milliseconds and is slewed a little; it was set if it differs by more. */
const driftMsMax: DurationMs = 2;

export function createClocks(): Clocks {
  return {
    floats: Float64Array.of(0, 0, 0, Number.NaN),
    ints: new Int32Array(2),
    aheadMs: new Float64Array(1 << eraBits),
  };
}

export function nowMsOf(clocks: Clocks): MonotonicMs {
  return clocks.floats[nowMs]!;
}

export function wallMsOf(clocks: Clocks): EpochMs {
  return clocks.floats[wallMs]!;
}

export function nowTickOf(clocks: Clocks): number {
  return clocks.ints[nowTick]!;
}

export function eraOf(clocks: Clocks): number {
  return clocks.ints[era]!;
}

/** A span of whole milliseconds in ticks. */
export function ticksOf(spanMs: DurationMs): number {
  assert(spanMs <= spanMsMax, "the oldest tick is older than any span");
  return spanMs * ticksPerMs;
}

/** How many ticks the base has to move on before `moveClocks` to this time; 0 if none. */
export function ticksToMove(clocks: Clocks, monotonicMs: MonotonicMs): number {
  const ticks = Math.floor(monotonicMs - clocks.floats[baseMs]!) * ticksPerMs;
  return ticks < ticksMax ? 0 : ticks;
}

/** Moves the base on; all ticks that are kept anywhere are to be moved by `movedTick`. */
export function moveBase(clocks: Clocks, ticks: number): void {
  clocks.floats[baseMs] = clocks.floats[baseMs]! + ticks / ticksPerMs;
  clocks.ints[nowTick] = movedTick(clocks.ints[nowTick]!, ticks);
}

export function movedTick(tick: number, ticks: number): number {
  return Math.max(tick - ticks, oldestTick);
}

/** Moves both clocks; the monotonic one stands still rather than run backwards. */
export function moveClocks(clocks: Clocks, monotonicMs: MonotonicMs, epochMs: EpochMs): void {
  const { floats, ints } = clocks;
  floats[wallMs] = epochMs;
  floats[readWallMs] = Number.NaN;
  if (monotonicMs <= floats[nowMs]!) return;
  floats[nowMs] = monotonicMs;
  ints[nowTick] = Math.floor((monotonicMs - floats[baseMs]!) * ticksPerMs);
}

/** Notes what the wall clock shows at a read; begins an era if it was set. To be called after `moveClocks`. */
export function noteEra({ floats, ints, aheadMs }: Clocks): void {
  floats[readWallMs] = floats[wallMs]!;
  const nowAheadMs = floats[wallMs]! - floats[nowMs]!;
  if (ints[era] !== noEra && Math.abs(nowAheadMs - aheadMs[ints[era]!]!) <= driftMsMax) return;
  ints[era] = ints[era] === aheadMs.length - 1 ? 1 : ints[era]! + 1;
  aheadMs[ints[era]!] = nowAheadMs;
}

function msOfTick(clocks: Clocks, tick: number): MonotonicMs {
  return clocks.floats[baseMs]! + tick / ticksPerMs;
}

/**
 * When a pass was last read by the wall clock, to within 5 ms.
 *
 * A pass through which the clock was not set is dated by its first read alone, so that its duration is right and its
 * last read is never before its first.
 */
export function lastReadAtOf(
  clocks: Clocks,
  firstReadAt: EpochMs,
  firstTick: number,
  lastTick: number,
  lastEra: number,
): EpochMs {
  const byFirst = firstReadAt + (lastTick - firstTick) / ticksPerMs;
  if (lastEra === noEra) return firstReadAt;
  const byEra = clocks.aheadMs[lastEra]! + msOfTick(clocks, lastTick);
  return Math.abs(byEra - byFirst) <= driftMsMax + 1 / ticksPerMs ? byFirst : byEra;
}
