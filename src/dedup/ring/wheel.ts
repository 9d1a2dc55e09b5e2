import { type Clocks, nowMsOf, ticksOf } from "./clocks.ts";
import { departsAt, hasDeparted, type Passes } from "./passes.ts";

/** A power of two; a window spans three quarters of it, so that the sweep may lag by a third of a window. */
const bucketCount = 256;
const bucketsPerWindow = 192;

/**
 * When to look at which pass: a ring of buckets, each the list of passes to be looked at in one stretch of time.
 *
 * A pass stands in one bucket and stays there while it is read; when its bucket is due, it either has departed or is
 * put where it would depart now: about one look per window, however often it is read.
 */
export interface Wheel {
  readonly departMs: number;
  readonly departTicks: number;
  readonly tickMs: number;
  readonly heads: Int32Array;
  readonly tails: Int32Array;
  /** The tick (time divided by `tickMs`) of the bucket that is looked at next; all earlier ones are empty. */
  tick: number;
  /** Where that bucket lies in the ring. */
  bucket: number;
}

export function createWheel(departMs: number): Wheel {
  return {
    departMs,
    departTicks: ticksOf(departMs),
    tickMs: departMs / bucketsPerWindow,
    heads: new Int32Array(bucketCount),
    tails: new Int32Array(bucketCount),
    tick: 0,
    bucket: 0,
  };
}

/** Brings an empty wheel to now, so that what is queued next lies within its ring. */
export function startWheel(wheel: Wheel, clocks: Clocks): void {
  wheel.tick = Math.floor(nowMsOf(clocks) / wheel.tickMs);
}

/** Queues a pass to be looked at when it would depart; sooner, if that lies beyond the ring. */
export function queueSlot(wheel: Wheel, passes: Passes, slot: number, clocks: Clocks): void {
  const bucket = (wheel.bucket + ticksAhead(wheel, passes, slot, clocks)) & (bucketCount - 1);
  passes.link[slot] = 0;
  if (wheel.heads[bucket] === 0) wheel.heads[bucket] = slot;
  else passes.link[wheel.tails[bucket]!] = slot;
  wheel.tails[bucket] = slot;
}

/**
 * Turns the wheel to now: takes out each pass that has departed and puts the others where they would depart.
 *
 * Takes: `look`, asked before each pass; the turn stops when it says no, and the next turn goes on from there.
 * Gives: departed passes to `depart`, in order of departure to within a tick, if it is turned about once per window.
 * Cost:  O(1) per pass that is due; at most one round of the ring however long nobody turned it.
 */
export function turnWheel(
  wheel: Wheel,
  passes: Passes,
  clocks: Clocks,
  look: () => boolean,
  depart: (slot: number) => void,
): void {
  const nowTick = Math.floor(nowMsOf(clocks) / wheel.tickMs);
  // Everything in the ring is overdue then: calling it younger keeps its order and its place.
  if (nowTick - wheel.tick >= bucketCount) wheel.tick = nowTick - bucketCount + 1;
  for (;;) {
    const { bucket } = wheel;
    // What is put back into this same bucket comes to stand behind `last` and is not looked at twice.
    const last = wheel.tails[bucket]!;
    for (let slot = wheel.heads[bucket]!; slot !== 0; slot = wheel.heads[bucket]!) {
      if (!look()) return;
      wheel.heads[bucket] = passes.link[slot]!;
      const isDue =
        ticksAhead(wheel, passes, slot, clocks) <= 0 && hasDeparted(passes, slot, wheel.departTicks, clocks);
      if (isDue) depart(slot);
      else queueSlot(wheel, passes, slot, clocks);
      if (slot === last) break;
    }
    if (wheel.tick >= nowTick) return;
    wheel.tick += 1;
    wheel.bucket = (bucket + 1) & (bucketCount - 1);
  }
}

/** Whether time has moved on by a tick or more since the last turn came to its end. */
export function isBehind(wheel: Wheel, clocks: Clocks): boolean {
  return wheel.tick < Math.floor(nowMsOf(clocks) / wheel.tickMs);
}

/** Takes out the pass that would depart next, to within a tick, due or not; 0 if there is none. */
export function takeNext(wheel: Wheel, passes: Passes, clocks: Clocks): number {
  for (let ahead = 0; ahead < bucketCount; ahead++) {
    const bucket = (wheel.bucket + ahead) & (bucketCount - 1);
    for (let slot = wheel.heads[bucket]!; slot !== 0; slot = wheel.heads[bucket]!) {
      wheel.heads[bucket] = passes.link[slot]!;
      if (ticksAhead(wheel, passes, slot, clocks) <= ahead) return slot;
      queueSlot(wheel, passes, slot, clocks);
    }
  }
  return 0;
}

function ticksAhead(wheel: Wheel, passes: Passes, slot: number, clocks: Clocks): number {
  const tick = Math.floor(departsAt(passes, slot, wheel.departMs, clocks) / wheel.tickMs);
  return Math.min(tick - wheel.tick, bucketCount - 1);
}
