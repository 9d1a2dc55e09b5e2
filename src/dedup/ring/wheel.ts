import { type Clocks, movedTick, nowTickOf, ticksOf } from "./clocks.ts";
import { hasDeparted, lastTickOf, type Passes } from "./passes.ts";

/** A power of two; a window spans three quarters of it, so that the sweep may lag by a third of a window. */
const bucketCount = 256;
const bucketsPerWindow = 192;

/**
 * When to look at which pass: a ring of buckets, each the list of passes to be looked at in one stretch of time.
 *
 * A pass stands in one bucket and stays there while it is read; when its bucket is due, it either has departed or is
 * put where it would depart now: about one look per window, however often it is read. Times are ticks of
 * `clocks.ts`.
 */
export interface Wheel {
  readonly departTicks: number;
  readonly bucketTicks: number;
  readonly heads: Int32Array;
  readonly tails: Int32Array;
  /** When the bucket begins that is looked at next; all earlier ones are empty. */
  startTick: number;
  /** Where that bucket lies in the ring. */
  bucket: number;
}

export function createWheel(departMs: number): Wheel {
  const departTicks = ticksOf(departMs);
  return {
    departTicks,
    bucketTicks: Math.ceil(departTicks / bucketsPerWindow),
    heads: new Int32Array(bucketCount),
    tails: new Int32Array(bucketCount),
    startTick: 0,
    bucket: 0,
  };
}

/** Brings an empty wheel to now, so that what is queued next lies within its ring. */
export function startWheel(wheel: Wheel, clocks: Clocks): void {
  wheel.startTick = nowTickOf(clocks);
}

/** Keeps the times of the wheel when the base of the clocks moves on. */
export function moveWheel(wheel: Wheel, ticks: number): void {
  wheel.startTick = movedTick(wheel.startTick, ticks);
}

/** Queues a pass to be looked at when it would depart; sooner, if that lies beyond the ring. */
export function queueSlot(wheel: Wheel, passes: Passes, slot: number): void {
  putAhead(wheel, passes, slot, bucketsAhead(wheel, passes, slot));
}

function putAhead(wheel: Wheel, passes: Passes, slot: number, ahead: number): void {
  const bucket = (wheel.bucket + ahead) & (bucketCount - 1);
  passes.link[slot] = 0;
  if (wheel.heads[bucket] === 0) wheel.heads[bucket] = slot;
  else passes.link[wheel.tails[bucket]!] = slot;
  wheel.tails[bucket] = slot;
}

/**
 * Turns the wheel to now: takes out each pass that has departed and puts the others where they would depart.
 *
 * Takes: `budget`, the passes that may be looked at; the next turn goes on from there.
 * Gives: departed passes to `depart`, in order of departure to within a bucket, if it is turned about once per window.
 * Cost:  O(1) per pass that is due; at most one round of the ring however long nobody turned it.
 */
export function turnWheel(
  wheel: Wheel,
  passes: Passes,
  clocks: Clocks,
  budget: number,
  depart: (slot: number) => void,
): void {
  const { bucketTicks, departTicks, heads } = wheel;
  const now = nowTickOf(clocks);
  // Everything in the ring is overdue then: calling it younger keeps its order and its place.
  wheel.startTick = Math.max(wheel.startTick, now - bucketCount * bucketTicks + 1);
  // Counts up: a float that counts down from infinity is boxed at each step, 370 bytes a sweep of 1,000 codes.
  for (let lookCount = 0; ; ) {
    const { bucket } = wheel;
    // What is put back into this same bucket comes to stand behind `last` and is not looked at twice.
    const last = wheel.tails[bucket]!;
    for (let slot = heads[bucket]!; slot !== 0; slot = heads[bucket]!) {
      if (lookCount >= budget) return;
      lookCount += 1;
      heads[bucket] = passes.link[slot]!;
      const ahead = bucketsAhead(wheel, passes, slot);
      if (ahead === 0 && hasDeparted(passes, slot, departTicks, clocks)) depart(slot);
      else putAhead(wheel, passes, slot, ahead);
      if (slot === last) break;
    }
    if (now - wheel.startTick < bucketTicks) return;
    wheel.startTick += bucketTicks;
    wheel.bucket = (bucket + 1) & (bucketCount - 1);
  }
}

/** Whether time has moved on by a bucket or more since the last turn came to its end. */
export function isBehind(wheel: Wheel, clocks: Clocks): boolean {
  return nowTickOf(clocks) - wheel.startTick >= wheel.bucketTicks;
}

/** Takes out the pass that would depart next, to within a bucket, due or not; 0 if there is none. */
export function takeNext(wheel: Wheel, passes: Passes): number {
  for (let ahead = 0; ahead < bucketCount; ahead++) {
    const bucket = (wheel.bucket + ahead) & (bucketCount - 1);
    for (let slot = wheel.heads[bucket]!; slot !== 0; slot = wheel.heads[bucket]!) {
      wheel.heads[bucket] = passes.link[slot]!;
      const departs = bucketsAhead(wheel, passes, slot);
      if (departs <= ahead) return slot;
      putAhead(wheel, passes, slot, departs);
    }
  }
  return 0;
}

/** How many buckets ahead a pass would depart, if it is not read again; 0 if it is overdue. */
function bucketsAhead(wheel: Wheel, passes: Passes, slot: number): number {
  const ticks = lastTickOf(passes, slot) + wheel.departTicks - wheel.startTick;
  return Math.min(Math.max((ticks / wheel.bucketTicks) | 0, 0), bucketCount - 1);
}
