import { assert } from "../../lib/assert.ts";
import { limits } from "../../model/limits.ts";

/** A code of up to here stands in the record of its pass, its first eight bytes and its last eight: a waybill of 15. */
export const recordBytes = 16;
/** Of a longer one only its last eight do; the rest, all before them, lies in blocks: one for a GS1-128 of 48. */
const endBytes = recordBytes / 2;
const blockBytes = 40;

/** Four bytes as an integer, the first of them lowest, as the memory of all our machines has them. */
export function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/**
 * The rests of all long codes that are followed, each a chain of blocks.
 *
 * Blocks are numbered from 1; 0 means none, so that fresh memory of zeroes is empty without being touched.
 */
export interface Rests {
  readonly bytes: Uint8Array;
  /** The same memory. */
  readonly words: Int32Array;
  /** The block after each block, in a chain and in the free list. */
  readonly nextBlock: Int32Array;
  readonly blocksMax: number;
  freeBlock: number;
  freeCount: number;
  /** Blocks up to this one were handed out before. */
  touchedCount: number;
}

/** Memory for the rests of `capacity` codes: a block for each of them, and enough for one longest code. */
export function createRests(capacity: number): Rests {
  const blocksMax = capacity + Math.ceil(limits.codeBytesMax / blockBytes);
  const bytes = new Uint8Array((blocksMax + 1) * blockBytes);
  return {
    bytes,
    words: new Int32Array(bytes.buffer),
    nextBlock: new Int32Array(blocksMax + 1),
    blocksMax,
    freeBlock: 0,
    freeCount: 0,
    touchedCount: 0,
  };
}

/** Whether a code of `length` bytes finds room for its rest. */
export function restFits(rests: Rests, length: number): boolean {
  if (length <= recordBytes) return true;
  return (rests.freeCount + rests.blocksMax - rests.touchedCount) * blockBytes >= length - endBytes;
}

/** Copies the rest of a code that fits and gives the first block of its chain, 0 for a short code. */
export function keepRest(rests: Rests, bytes: Uint8Array, start: number, end: number): number {
  if (end - start <= recordBytes) return 0;
  let first = 0;
  let last = 0;
  for (let from = start; from < end - endBytes; from += blockBytes) {
    const block = takeBlock(rests);
    rests.bytes.set(bytes.subarray(from, Math.min(end - endBytes, from + blockBytes)), block * blockBytes);
    rests.nextBlock[block] = 0;
    if (last === 0) first = block;
    else rests.nextBlock[last] = block;
    last = block;
  }
  return first;
}

function takeBlock(rests: Rests): number {
  const block = rests.freeBlock;
  if (block !== 0) {
    rests.freeBlock = rests.nextBlock[block]!;
    rests.freeCount -= 1;
    return block;
  }
  assert(rests.touchedCount < rests.blocksMax, "room is made before a code is kept");
  rests.touchedCount += 1;
  return rests.touchedCount;
}

/** Gives the blocks of a chain back, overwritten. */
export function releaseRest(rests: Rests, first: number): void {
  for (let block = first; block !== 0; ) {
    const next = rests.nextBlock[block]!;
    rests.bytes.fill(0, block * blockBytes, (block + 1) * blockBytes);
    rests.nextBlock[block] = rests.freeBlock;
    rests.freeBlock = block;
    rests.freeCount += 1;
    block = next;
  }
}

/** Whether a chain holds the rest of the long code `bytes[start, end)`. */
export function sameRest(rests: Rests, first: number, bytes: Uint8Array, start: number, end: number): boolean {
  let block = first;
  for (let from = start; from < end - endBytes; from += blockBytes) {
    const blockEnd = Math.min(from + blockBytes, end - endBytes);
    const shift = block * blockBytes - from;
    let at = from;
    for (; at + 4 <= blockEnd; at += 4) if (rests.words[(at + shift) >> 2] !== wordAt(bytes, at)) return false;
    for (; at < blockEnd; at += 1) if (rests.bytes[at + shift] !== bytes[at]) return false;
    block = rests.nextBlock[block]!;
  }
  return true;
}

/** Fills in the rest of a code that is being copied. */
export function copyRest(rests: Rests, first: number, copy: Uint8Array): void {
  const end = copy.length - endBytes;
  for (let at = 0, block = first; block !== 0; at += blockBytes, block = rests.nextBlock[block]!) {
    const from = block * blockBytes;
    copy.set(rests.bytes.subarray(from, from + Math.min(end - at, blockBytes)), at);
  }
}
