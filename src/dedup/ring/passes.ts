import type { Medium } from "../../model/read.ts";
import type { EpochMs } from "../../model/units.ts";
import { type Clocks, eraOf, lastReadAtOf, movedTick, nowTickOf, wallMsOf } from "./clocks.ts";
import { recordBytes } from "./codes.ts";
import { type HashKeys, hashRecord } from "./hash.ts";
import {
  deviceShift,
  eraMask,
  eraShift,
  firstSeen,
  lastReadMask,
  lastSeen,
  lengthShift,
  longBlock,
  longHash,
  pendingBit,
  readCount,
  recordInts,
  rfidBit,
  toldBit,
  traits,
} from "./record.ts";
import { clearShares, createShares, type Shares } from "./shares.ts";

/** A name number of this value: the symbology stands among the oddities. */
const symbologyOdd = 255;

/** What few passes have: facts that came from the ledger, and what the places in the arrays cannot hold. */
export interface Oddity {
  readonly passId?: string;
  readonly device?: string;
  /** Set when the table of names is full. */
  readonly symbology: string | undefined;
  /** Set when the last read lies further back than ticks go. */
  readonly lastReadAt?: EpochMs;
}

/** All passes that are followed. Slots are numbered from 1; 0 means none. */
export interface Passes {
  /** What every read needs, a record for each slot. */
  readonly ints: Int32Array;
  /** The next slot in the list that each slot stands in. */
  readonly link: Int32Array;
  /** No wider than the read point has devices. */
  readonly deviceBits: Uint8Array | Uint16Array | Int32Array;
  readonly firstDevice: Uint8Array;
  readonly symbology: Uint8Array;
  readonly firstReadAt: Float64Array;
  /** The low 32 bits: no more passes begin before one is told for the last time, a day after its begin at most. */
  readonly passNumber: Uint32Array;
  readonly shares: Shares;
  readonly symbologies: string[];
  readonly oddities: Map<number, Oddity>;
  readonly capacity: number;
  latestNumber: number;
  freeSlot: number;
  touchedCount: number;
  liveCount: number;
}

/** Large memory lies 16 bytes behind the start of a page in glibc and musl: with as much again no record straddles two lines. */
const alignBytes = 16;

export function createPasses(capacity: number, deviceCount: number): Passes {
  const slots = capacity + 1;
  return {
    ints: new Int32Array(new ArrayBuffer(alignBytes + slots * recordInts * 4), alignBytes),
    link: new Int32Array(slots),
    deviceBits: new (deviceCount <= 8 ? Uint8Array : deviceCount <= 16 ? Uint16Array : Int32Array)(slots),
    firstDevice: new Uint8Array(slots),
    symbology: new Uint8Array(slots),
    firstReadAt: new Float64Array(slots),
    passNumber: new Uint32Array(slots),
    shares: createShares(capacity),
    symbologies: [],
    oddities: new Map(),
    capacity,
    latestNumber: 0,
    freeSlot: 0,
    touchedCount: 0,
    liveCount: 0,
  };
}

/** A free slot; there must be one. */
export function takeSlot(passes: Passes): number {
  let slot = passes.freeSlot;
  if (slot !== 0) passes.freeSlot = passes.link[slot]!;
  else {
    passes.touchedCount += 1;
    slot = passes.touchedCount;
  }
  passes.liveCount += 1;
  return slot;
}

export function hasFreeSlot(passes: Passes): boolean {
  return passes.liveCount < passes.capacity;
}

/** Gives a slot back, overwritten. */
export function freeSlot(passes: Passes, slot: number): void {
  passes.oddities.delete(slot);
  passes.ints.fill(0, slot * recordInts, (slot + 1) * recordInts);
  passes.link[slot] = passes.freeSlot;
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
  const { ints } = passes;
  const at = slot * recordInts;
  ints[at + traits] = length << lengthShift;
  ints[at] = codeWords[0]!;
  ints[at + 1] = codeWords[1]!;
  ints[at + 2] = codeWords[2]!;
  ints[at + 3] = codeWords[3]!;
  if (length <= recordBytes) return;
  ints[at + longHash] = codeHash;
  ints[at + longBlock] = restBlock;
}

/** Whether the record is that of such a code; for codes of up to `recordBytes` that is all of it. */
export function sameRecord(
  passes: Passes,
  slot: number,
  codeHash: number,
  codeWords: Int32Array,
  length: number,
): boolean {
  const { ints } = passes;
  const at = slot * recordInts;
  if (ints[at + traits]! >>> lengthShift !== length) return false;
  if (ints[at + 2] !== codeWords[2] || ints[at + 3] !== codeWords[3]) return false;
  if (length > recordBytes) return ints[at + longHash] === codeHash;
  return ints[at] === codeWords[0] && ints[at + 1] === codeWords[1];
}

function lengthOf(passes: Passes, slot: number): number {
  return passes.ints[slot * recordInts + traits]! >>> lengthShift;
}

/** The hash of the slot's code: that of a short one is quickly made again. */
export function hashOf(passes: Passes, keys: HashKeys, slot: number): number {
  const at = slot * recordInts;
  const length = lengthOf(passes, slot);
  return length > recordBytes ? passes.ints[at + longHash]! : hashRecord(keys, passes.ints, at, length);
}

/** Where the rest of the slot's code begins; 0 if it is short and has none. */
export function firstBlockOf(passes: Passes, slot: number): number {
  return lengthOf(passes, slot) > recordBytes ? passes.ints[slot * recordInts + longBlock]! : 0;
}

const endBytes = recordBytes / 2;
/** Where the ends of a code are laid out as bytes. */
const endWords = new Int32Array(recordBytes / 4);
const ends = new Uint8Array(endWords.buffer);

/** A copy of the slot's code; the rest of a long one is left empty. */
export function copyEnds(passes: Passes, slot: number): Uint8Array {
  const at = slot * recordInts;
  for (let word = 0; word < endWords.length; word += 1) endWords[word] = passes.ints[at + word]!;
  const length = lengthOf(passes, slot);
  const copy = new Uint8Array(length);
  const startBytes = length > recordBytes ? 0 : Math.min(length, endBytes);
  for (let index = 0; index < startBytes; index += 1) copy[index] = ends[index]!;
  for (let index = endBytes; index < recordBytes && length > endBytes; index += 1)
    copy[length - recordBytes + index] = ends[index]!;
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
  const { ints } = passes;
  const at = slot * recordInts;
  passes.oddities.delete(slot);
  const name = symbologyNumber(passes, symbology);
  if (name === symbologyOdd) passes.oddities.set(slot, { symbology });
  passes.symbology[slot] = name;
  passes.firstDevice[slot] = device;
  passes.deviceBits[slot] = 0;
  passes.firstReadAt[slot] = wallMsOf(clocks);
  ints[at + firstSeen] = nowTickOf(clocks);
  ints[at + lastSeen] = nowTickOf(clocks);
  ints[at + readCount] = 0;
  ints[at + traits] = (lengthOf(passes, slot) << lengthShift) | (medium === "rfid" ? rfidBit : 0) | pendingBit;
  clearShares(passes.shares, slot);
}

function symbologyNumber(passes: Passes, symbology: string | undefined): number {
  if (symbology === undefined) return 0;
  const known = passes.symbologies.indexOf(symbology);
  if (known >= 0) return known + 1;
  if (passes.symbologies.length + 1 >= symbologyOdd) return symbologyOdd;
  return passes.symbologies.push(symbology);
}

/** Counts one read into a pass. */
export function addRead(passes: Passes, slot: number, device: number, clocks: Clocks): void {
  const { ints } = passes;
  const at = slot * recordInts;
  ints[at + lastSeen] = nowTickOf(clocks);
  ints[at + readCount] = ints[at + readCount]! + 1;
  noteDevice(passes, slot, device, clocks);
}

/** The device and the era of a read, as they stand among the traits. */
function lastReadOf(device: number, clocks: Clocks): number {
  return (device << deviceShift) | (eraOf(clocks) << eraShift);
}

/** Notes the device and the era of the last read. */
export function noteDevice(passes: Passes, slot: number, device: number, clocks: Clocks): void {
  const at = slot * recordInts + traits;
  passes.ints[at] = (passes.ints[at]! & ~lastReadMask) | lastReadOf(device, clocks);
  passes.deviceBits[slot] = passes.deviceBits[slot]! | (1 << device);
}

/** When a pass was last read. */
export function lastTickOf(passes: Passes, slot: number): number {
  return passes.ints[slot * recordInts + lastSeen]!;
}

/** Whether the last read of a pass lies `departTicks` or more in the past. */
export function hasDeparted(passes: Passes, slot: number, departTicks: number, clocks: Clocks): boolean {
  return nowTickOf(clocks) - passes.ints[slot * recordInts + lastSeen]! >= departTicks;
}

/** Whether the last read of a pass came `spanTicks` or more after its first. */
export function isReadOver(passes: Passes, slot: number, spanTicks: number): boolean {
  const at = slot * recordInts;
  return passes.ints[at + lastSeen]! - passes.ints[at + firstSeen]! >= spanTicks;
}

/** Keeps all times when the base of the clocks is about to move on. Cost: a look at every pass, once in 37 hours. */
export function moveTimes(passes: Passes, ticks: number, clocks: Clocks): void {
  const { ints } = passes;
  for (let slot = 1; slot <= passes.touchedCount; slot++) {
    const at = slot * recordInts;
    if (ints[at + readCount] === 0) continue;
    // Nobody has swept for so long.
    if (ints[at + lastSeen]! - ticks < movedTick(ints[at + lastSeen]!, ticks)) keepLastReadAt(passes, slot, clocks);
    ints[at + lastSeen] = movedTick(ints[at + lastSeen]!, ticks);
    ints[at + firstSeen] = movedTick(ints[at + firstSeen]!, ticks);
  }
}

function keepLastReadAt(passes: Passes, slot: number, clocks: Clocks): void {
  const { oddity, symbology, lastReadAt } = recordOf(passes, slot, clocks);
  passes.oddities.set(slot, { symbology, ...oddity, lastReadAt });
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
export function confirmPass(passes: Passes, slot: number): void {
  passes.ints[slot * recordInts + traits] = passes.ints[slot * recordInts + traits]! & ~pendingBit;
}

/** Gives a pass its number, which is higher than all before. */
export function numberPass(passes: Passes, slot: number, passNumber: number): void {
  passes.latestNumber = passNumber;
  passes.passNumber[slot] = passNumber;
}

function numberOf({ latestNumber, passNumber }: Passes, slot: number): number {
  return latestNumber - ((latestNumber - passNumber[slot]!) >>> 0);
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
  passes.deviceBits[slot] = device < 0 ? 0 : 1 << device;
}

/** Lets the time until a pass departs begin anew, as if it was read just now. */
export function refreshPass(passes: Passes, slot: number, clocks: Clocks): void {
  passes.ints[slot * recordInts + lastSeen] = nowTickOf(clocks);
}

export function readCountOf(passes: Passes, slot: number): number {
  return passes.ints[slot * recordInts + readCount]!;
}

/** The facts of a pass that only its observations need. */
export interface PassRecord {
  readonly passNumber: number;
  readonly device: number;
  readonly deviceBits: number;
  readonly medium: Medium;
  readonly symbology: string | undefined;
  readonly firstReadAt: EpochMs;
  readonly lastReadAt: EpochMs;
  readonly oddity: Oddity | undefined;
}

export function recordOf(passes: Passes, slot: number, clocks: Clocks): PassRecord {
  const { ints } = passes;
  const at = slot * recordInts;
  const packed = ints[at + traits]!;
  const name = passes.symbology[slot]!;
  const oddity = passes.oddities.get(slot);
  const firstReadAt = passes.firstReadAt[slot]!;
  const lastEra = (packed >>> eraShift) & eraMask;
  return {
    passNumber: numberOf(passes, slot),
    device: passes.firstDevice[slot]!,
    deviceBits: passes.deviceBits[slot]!,
    medium: (packed & rfidBit) === 0 ? "barcode" : "rfid",
    symbology: oddity === undefined ? (name === 0 ? undefined : passes.symbologies[name - 1]) : oddity.symbology,
    firstReadAt,
    lastReadAt:
      oddity?.lastReadAt ?? lastReadAtOf(clocks, firstReadAt, ints[at + firstSeen]!, ints[at + lastSeen]!, lastEra),
    oddity,
  };
}
