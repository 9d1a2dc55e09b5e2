import { assert } from "../../lib/assert.ts";
import { type Rests, recordBytes, sameRest } from "./codes.ts";
import type { HashKeys } from "./hash.ts";
import { firstBlockOf, hashOf, type Passes, sameRecord } from "./passes.ts";

const shortBytes = recordBytes;

/**
 * From codes to slots: open addressing with linear probing, never more than eight ninths full. A smaller
 * table stays nearer to the processor, which is worth more than the longer searches in one line of it.
 *
 * An entry is a slot number with low bits of the hash below it, so that a stranger in the way is told apart without a
 * look at its record; 0 is empty.
 */
export interface Table {
  readonly entries: Int32Array;
  /** The high bits of a hash, shifted down by this, are the place where its search starts. */
  readonly homeShift: number;
  readonly placeMask: number;
  readonly tagBits: number;
  readonly tagMask: number;
}

export function createTable(capacity: number): Table {
  assert(capacity >= 1 && capacity < 1 << 23, "a read point follows 1 to 8 million passes");
  const homeShift = Math.clz32(capacity + (capacity >> 3));
  const size = 2 ** (32 - homeShift);
  const tagBits = Math.clz32(capacity);
  return { entries: new Int32Array(size), homeShift, placeMask: size - 1, tagBits, tagMask: (1 << tagBits) - 1 };
}

/**
 * The slot of the code `bytes[start, end)`, whose start was loaded into `words`; 0 if it is not followed.
 *
 * Cost: a look or two at the table and one record; as many as there are passes if all hashes collide.
 */
export function findSlot(
  table: Table,
  passes: Passes,
  rests: Rests,
  hash: number,
  words: Int32Array,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  const { entries, homeShift, placeMask, tagBits, tagMask } = table;
  const length = end - start;
  for (let at = hash >>> homeShift; ; at = (at + 1) & placeMask) {
    const entry = entries[at]!;
    if (entry === 0) return 0;
    if (((entry ^ hash) & tagMask) !== 0) continue;
    const slot = entry >>> tagBits;
    if (!sameRecord(passes, slot, hash, words, length)) continue;
    if (length <= shortBytes || sameRest(rests, firstBlockOf(passes, slot), bytes, start, end)) return slot;
  }
}

/** Enters a slot that is not in the table. */
export function insertSlot(table: Table, hash: number, slot: number): void {
  const { entries, homeShift, placeMask, tagBits, tagMask } = table;
  let at = hash >>> homeShift;
  while (entries[at] !== 0) at = (at + 1) & placeMask;
  entries[at] = (slot << tagBits) | (hash & tagMask);
}

/** Takes a slot out and moves those that were pushed aside by it back, so that no search meets a hole. */
export function removeSlot(table: Table, passes: Passes, keys: HashKeys, slot: number): void {
  const { entries, homeShift, placeMask, tagBits } = table;
  let hole = hashOf(passes, keys, slot) >>> homeShift;
  while (entries[hole]! >>> tagBits !== slot) hole = (hole + 1) & placeMask;
  for (let at = (hole + 1) & placeMask; entries[at] !== 0; at = (at + 1) & placeMask) {
    const home = hashOf(passes, keys, entries[at]! >>> tagBits) >>> homeShift;
    if (((at - home) & placeMask) < ((at - hole) & placeMask)) continue;
    entries[hole] = entries[at]!;
    hole = at;
  }
  entries[hole] = 0;
}
