import { assert } from "../../lib/assert.ts";
import { type Rests, recordBytes, sameRest } from "./codes.ts";
import { type Passes, sameStart } from "./passes.ts";

const shortBytes = recordBytes;

/**
 * From codes to slots: open addressing with linear probing, never more than eight ninths full. A smaller
 * table stays nearer to the processor, which is worth more than the longer searches in one line of it.
 *
 * An entry is a slot number in its low bits and the high bits of the hash above, so that a stranger in the way is
 * told apart without a look at its record; 0 is empty.
 */
export interface Table {
  readonly entries: Int32Array;
  /** The low bits of a hash choose where its search starts. */
  readonly homeMask: number;
  readonly slotMask: number;
}

export function createTable(capacity: number): Table {
  assert(capacity >= 1 && capacity < 1 << 23, "a read point follows 1 to 8 million passes");
  const slotBits = 32 - Math.clz32(capacity);
  const size = 1 << (32 - Math.clz32(capacity + (capacity >> 3)));
  return { entries: new Int32Array(size), homeMask: size - 1, slotMask: (1 << slotBits) - 1 };
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
  const { entries, homeMask, slotMask } = table;
  const length = end - start;
  for (let at = hash & homeMask; ; at = (at + 1) & homeMask) {
    const entry = entries[at]!;
    if (entry === 0) return 0;
    if (((entry ^ hash) & ~slotMask) !== 0) continue;
    const slot = entry & slotMask;
    if (!sameStart(passes, slot, words, length)) continue;
    if (length <= shortBytes || sameRest(rests, passes.rest[slot]!, bytes, start, end)) return slot;
  }
}

/** Enters a slot that is not in the table. */
export function insertSlot(table: Table, hash: number, slot: number): void {
  const { entries, homeMask, slotMask } = table;
  let at = hash & homeMask;
  while (entries[at] !== 0) at = (at + 1) & homeMask;
  entries[at] = (hash & ~slotMask) | slot;
}

/** Takes a slot out and moves those that were pushed aside by it back, so that no search meets a hole. */
export function removeSlot(table: Table, passes: Passes, slot: number): void {
  const { entries, homeMask, slotMask } = table;
  let hole = passes.hash[slot]! & homeMask;
  while ((entries[hole]! & slotMask) !== slot) hole = (hole + 1) & homeMask;
  for (let at = (hole + 1) & homeMask; entries[at] !== 0; at = (at + 1) & homeMask) {
    const home = passes.hash[entries[at]! & slotMask]! & homeMask;
    if (((at - home) & homeMask) < ((at - hole) & homeMask)) continue;
    entries[hole] = entries[at]!;
    hole = at;
  }
  entries[hole] = 0;
}
