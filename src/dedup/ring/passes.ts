import { assert } from "../../lib/assert.ts";
import { limits } from "../../model/limits.ts";
import type { Medium, Read } from "../../model/read.ts";
import { startBytes } from "./codes.ts";
import { addShare, clearShares, createShares, type Shares } from "./shares.ts";

/**
 * Where each fact of a pass lies in its two records, each seen as integers and as floats: 64 bytes that every read
 * touches, with a code of up to 16 bytes whole, and 32 bytes for the rest. A cache line fetched is what a read costs.
 */
const recordInts = 16;
const recordFloats = 8;
const hash = 0;
const traits = 1;
const readCount = 2;
const deviceBits = 3;
const lastSeen = 2;
const firstSeen = 3;
const lastReadAt = 4;
const words = 10;
const wordsHere = 4;
const link = 14;
const rest = 15;
const moreInts = 8;
const moreFloats = 4;
const moreWords = 0;
const firstReadAt = 2;
const passNumber = 3;
assert(startBytes / 4 - wordsHere === 2 * firstReadAt, "the start of a code fills both its places");

/** The traits packed into one integer: length 16 bits, symbology 8, device 5, medium, pending, told. */
const symbologyShift = 16;
const deviceShift = 24;
const rfidBit = 1 << 29;
const pendingBit = 1 << 30;
const toldBit = 1 << 31;
/** A symbology byte of this value: the name stands among the oddities. */
const symbologyOdd = 255;

assert(limits.readPointDevicesMax <= 32, "a device has a bit of its own");
assert(limits.codeBytesMax < 1 << symbologyShift, "a length fits beside the other traits");

/** What few passes have: facts that came from the ledger, and a symbology when the table of names is full. */
export interface Oddity {
  readonly passId?: string;
  readonly device?: string;
  readonly symbology: string | undefined;
}

/**
 * The time of the call in progress: the monotonic clock, then the wall clock.
 *
 * They travel in memory because a float that is handed to a function, or kept in a variable of a closure, is boxed.
 */
export type Clocks = Float64Array;

/** Records of all passes that are followed. Slots are numbered from 1; 0 means none. */
export interface Passes {
  readonly floats: Float64Array;
  readonly ints: Int32Array;
  readonly moreFloats: Float64Array;
  readonly moreInts: Int32Array;
  readonly shares: Shares;
  readonly symbologies: string[];
  readonly oddities: Map<number, Oddity>;
  readonly capacity: number;
  freeSlot: number;
  touchedCount: number;
  liveCount: number;
}

export function createPasses(capacity: number): Passes {
  const records = new ArrayBuffer((capacity + 1) * recordFloats * Float64Array.BYTES_PER_ELEMENT);
  const more = new ArrayBuffer((capacity + 1) * moreFloats * Float64Array.BYTES_PER_ELEMENT);
  return {
    floats: new Float64Array(records),
    ints: new Int32Array(records),
    moreFloats: new Float64Array(more),
    moreInts: new Int32Array(more),
    shares: createShares(capacity),
    symbologies: [],
    oddities: new Map(),
    capacity,
    freeSlot: 0,
    touchedCount: 0,
    liveCount: 0,
  };
}

/** A free slot, or 0. */
export function takeSlot(passes: Passes): number {
  let slot = passes.freeSlot;
  if (slot !== 0) passes.freeSlot = passes.ints[slot * recordInts + link]!;
  else if (passes.touchedCount < passes.capacity) {
    passes.touchedCount += 1;
    slot = passes.touchedCount;
  } else return 0;
  passes.liveCount += 1;
  return slot;
}

export function hasFreeSlot(passes: Passes): boolean {
  return passes.liveCount < passes.capacity;
}

export function freeSlot(passes: Passes, slot: number): void {
  passes.oddities.delete(slot);
  passes.ints[slot * recordInts + link] = passes.freeSlot;
  passes.freeSlot = slot;
  passes.liveCount -= 1;
}

/** Ties a slot to its code; holds over all passes of that code that follow each other in this slot. */
export function bindCode(
  passes: Passes,
  slot: number,
  codeHash: number,
  codeWords: Int32Array,
  restBlock: number,
  length: number,
): void {
  const int = slot * recordInts;
  passes.ints[int + hash] = codeHash;
  passes.ints[int + traits] = length;
  passes.ints[int + rest] = restBlock;
  for (let at = 0; at < wordsHere; at++) passes.ints[int + words + at] = codeWords[at]!;
  for (let at = wordsHere; at < codeWords.length; at++)
    passes.moreInts[slot * moreInts + moreWords + at - wordsHere] = codeWords[at]!;
}

/** Whether the slot holds a code of this hash, length and start; for codes of up to `startBytes` that is all of it. */
export function sameStart(
  passes: Passes,
  slot: number,
  codeHash: number,
  codeWords: Int32Array,
  length: number,
): boolean {
  const { ints } = passes;
  const int = slot * recordInts;
  if (ints[int + hash] !== codeHash || (ints[int + traits]! & 0xffff) !== length) return false;
  const wordCount = (Math.min(length, startBytes) + 3) >> 2;
  const hereCount = Math.min(wordCount, wordsHere);
  for (let at = 0; at < hereCount; at++) if (ints[int + words + at] !== codeWords[at]) return false;
  const more = slot * moreInts + moreWords - wordsHere;
  for (let at = wordsHere; at < wordCount; at++) if (passes.moreInts[more + at] !== codeWords[at]) return false;
  return true;
}

/** A copy of the slot's code; the part beyond its start is left empty. */
export function copyStart(passes: Passes, slot: number): Uint8Array {
  const copy = new Uint8Array(passes.ints[slot * recordInts + traits]! & 0xffff);
  const here = slot * recordInts + words;
  const more = slot * moreInts + moreWords - wordsHere;
  for (let at = 0; at < copy.length && at < startBytes; at++) {
    const word = at >> 2 < wordsHere ? passes.ints[here + (at >> 2)]! : passes.moreInts[more + (at >> 2)]!;
    copy[at] = word >>> ((at & 3) << 3);
  }
  return copy;
}

/** Starts a pending pass without reads in a slot that is bound to its code. */
export function beginPass(
  passes: Passes,
  slot: number,
  device: number,
  medium: Medium,
  symbology: string | undefined,
  clocks: Clocks,
): void {
  const { floats, ints } = passes;
  const float = slot * recordFloats;
  const int = slot * recordInts;
  passes.oddities.delete(slot);
  const name = symbologyByte(passes, symbology);
  if (name === symbologyOdd) passes.oddities.set(slot, { symbology });
  floats[float + lastSeen] = clocks[0]!;
  floats[float + firstSeen] = clocks[0]!;
  floats[float + lastReadAt] = clocks[1]!;
  passes.moreFloats[slot * moreFloats + firstReadAt] = clocks[1]!;
  ints[int + readCount] = 0;
  ints[int + deviceBits] = 0;
  ints[int + traits] =
    (ints[int + traits]! & 0xffff) |
    (name << symbologyShift) |
    (device << deviceShift) |
    (medium === "rfid" ? rfidBit : 0) |
    pendingBit;
  clearShares(passes.shares, slot);
}

function symbologyByte(passes: Passes, symbology: string | undefined): number {
  if (symbology === undefined) return 0;
  const known = passes.symbologies.indexOf(symbology);
  if (known >= 0) return known + 1;
  if (passes.symbologies.length + 1 >= symbologyOdd) return symbologyOdd;
  return passes.symbologies.push(symbology);
}

/** Counts one read into a pass. Cost: O(1), no allocation. */
export function addRead(passes: Passes, slot: number, device: number, read: Read, clocks: Clocks): void {
  const int = slot * recordInts;
  passes.floats[slot * recordFloats + lastSeen] = clocks[0]!;
  passes.floats[slot * recordFloats + lastReadAt] = clocks[1]!;
  passes.ints[int + readCount] = passes.ints[int + readCount]! + 1;
  passes.ints[int + deviceBits] = passes.ints[int + deviceBits]! | (1 << device);
  if (read.antenna !== undefined) addShare(passes.shares, slot, read.antenna, read);
}

/** When a pass departs unless it is read again. Not for the path of a read: a float that is returned is boxed. */
export function departsAt(passes: Passes, slot: number, departMs: number): number {
  return passes.floats[slot * recordFloats + lastSeen]! + departMs;
}

/** Whether the last read of a pass lies `departMs` or more in the past. */
export function hasDeparted(passes: Passes, slot: number, departMs: number, clocks: Clocks): boolean {
  return passes.floats[slot * recordFloats + lastSeen]! + departMs <= clocks[0]!;
}

/** Whether the last read of a pass came `spanMs` or more after its first. */
export function isReadOver(passes: Passes, slot: number, spanMs: number): boolean {
  return passes.floats[slot * recordFloats + lastSeen]! - passes.floats[slot * recordFloats + firstSeen]! >= spanMs;
}

/** Too few reads so far to count as real. */
export function isPending(passes: Passes, slot: number): boolean {
  return (passes.ints[slot * recordInts + traits]! & pendingBit) !== 0;
}

/** Everything about the pass has been said; it is followed in silence until it departs. */
export function isTold(passes: Passes, slot: number): boolean {
  return (passes.ints[slot * recordInts + traits]! & toldBit) !== 0;
}

/** Makes a pending pass real. */
export function confirmPass(passes: Passes, slot: number, number: number): void {
  passes.ints[slot * recordInts + traits] = passes.ints[slot * recordInts + traits]! & ~pendingBit;
  passes.moreFloats[slot * moreFloats + passNumber] = number;
}

export function markTold(passes: Passes, slot: number): void {
  passes.ints[slot * recordInts + traits] = passes.ints[slot * recordInts + traits]! | toldBit;
}

/** Replaces what a new pass would be called by what the ledger calls it. */
export function setOddity(passes: Passes, slot: number, oddity: Oddity): void {
  passes.oddities.set(slot, oddity);
}

/** Counts the read that the ledger remembers; `device` is -1 if the config no longer knows it. */
export function countLedgerRead(passes: Passes, slot: number, device: number): void {
  passes.ints[slot * recordInts + readCount] = 1;
  passes.ints[slot * recordInts + deviceBits] = device < 0 ? 0 : 1 << device;
}

export function hashOf(passes: Passes, slot: number): number {
  return passes.ints[slot * recordInts + hash]!;
}

/** The first block of the code beyond its start, or 0. */
export function restOf(passes: Passes, slot: number): number {
  return passes.ints[slot * recordInts + rest]!;
}

export function readCountOf(passes: Passes, slot: number): number {
  return passes.ints[slot * recordInts + readCount]!;
}

/** The next slot in the list that this slot stands in. */
export function nextOf(passes: Passes, slot: number): number {
  return passes.ints[slot * recordInts + link]!;
}

export function setNext(passes: Passes, slot: number, next: number): void {
  passes.ints[slot * recordInts + link] = next;
}

/** The facts of a pass that only its observations need. */
export interface PassRecord {
  readonly passNumber: number;
  readonly device: number;
  readonly deviceBits: number;
  readonly medium: Medium;
  readonly symbology: string | undefined;
  readonly firstReadAt: number;
  readonly lastReadAt: number;
  readonly oddity: Oddity | undefined;
}

export function recordOf(passes: Passes, slot: number): PassRecord {
  const packed = passes.ints[slot * recordInts + traits]!;
  const name = (packed >>> symbologyShift) & 0xff;
  const oddity = passes.oddities.get(slot);
  return {
    passNumber: passes.moreFloats[slot * moreFloats + passNumber]!,
    device: (packed >>> deviceShift) & 31,
    deviceBits: passes.ints[slot * recordInts + deviceBits]!,
    medium: (packed & rfidBit) === 0 ? "barcode" : "rfid",
    symbology: oddity === undefined ? (name === 0 ? undefined : passes.symbologies[name - 1]) : oddity.symbology,
    firstReadAt: passes.moreFloats[slot * moreFloats + firstReadAt]!,
    lastReadAt: passes.floats[slot * recordFloats + lastReadAt]!,
    oddity,
  };
}
