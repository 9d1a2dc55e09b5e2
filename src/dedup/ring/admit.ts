import type { Read } from "../../model/read.ts";
import type { EpochMs, MonotonicMs } from "../../model/units.ts";
import { count } from "../counts.ts";
import type { Admission, DedupWindow } from "../face.ts";
import { type Clocks, clockPlaces } from "./clocks.ts";
import { recordBytes } from "./codes.ts";
import { type HashKeys, wholeBytesMin } from "./hash.ts";
import { noteDevice, type Passes } from "./passes.ts";
import * as record from "./record.ts";
import { addShare } from "./shares.ts";
import type { Table } from "./table.ts";

/*
 * The short way of a read that is just one more of its pass: load its words and hash them, find its record, note it.
 *
 * Everything rarer is left to `admitOther`: other lengths of code, and all that begins or ends a pass or has something
 * to tell. What every read needs is held by closures, each place of the memory under a name of its own: V8 takes these
 * for constants, but looks up a name from another file at each use. Together the four functions have 855 bytecodes, and
 * V8 draws up to 920 into one piece of code (`--max-inlined-bytecode-size-cumulative`): 24 ns a read at 1,000 live
 * codes, 28 where one of them stays outside.
 */

/** What the short way shares with the long one. */
interface Parts {
  readonly passes: Passes;
  readonly table: Table;
  readonly clocks: Clocks;
  readonly counts: Float64Array;
  readonly keys: HashKeys;
  readonly departTicks: number;
  readonly passMaxTicks: number;
  readonly rssiMinDbm: number;
  /** Moves the clocks to a read. */
  readonly setReadClocks: (monotonicMs: MonotonicMs, epochMs: EpochMs) => void;
  /** Takes any read whatever, by the long way; the clocks stand at it. */
  readonly admitOther: (read: Read, device: number) => Admission;
}

/**
 * The entry of the window.
 *
 * Cost: for a repeated read of a code of 8 to 16 bytes a place in the table and half a cache line of one record; one
 *       view for each new buffer, which holds the reads of a whole chunk. Keeps the last buffer from being collected.
 */
export function createAdmit(parts: Parts): DedupWindow["admit"] {
  const { admitOther, clocks, setReadClocks } = parts;
  const nowMs = clocks.floats.subarray(clockPlaces.nowMs);
  const readWallMs = clocks.floats.subarray(clockPlaces.readWallMs);
  const find = createFind(parts);
  const note = createNote(parts);

  const admit = (read: Read, device: number, monotonicMs: MonotonicMs, epochMs: EpochMs): Admission => {
    // Most reads share a look at the clock with the one before.
    if (!(monotonicMs <= nowMs[0]! && epochMs === readWallMs[0])) setReadClocks(monotonicMs, epochMs);
    const at = find(read);
    return at !== 0 && note(at, read, device) ? "suppressed" : admitOther(read, device);
  };
  return admit;
}

/** Gives where the record of the code of a read lies, 0 if there is none or it takes a longer search. */
function createFind(parts: Parts): (read: Read) => number {
  const { factor, pairs } = parts.keys;
  const [a0 = 0, b0 = 0, a1 = 0, b1 = 0, a2 = 0, b2 = 0, a3 = 0, b3 = 0] = pairs;
  const lengthMin = wholeBytesMin;
  // Reads that may be too weak all go the long way, and so do the others of their read point.
  const lengthMax = parts.rssiMinDbm > Number.NEGATIVE_INFINITY ? 0 : recordBytes;
  const search = createSearch(parts);
  const chunk = {
    bytes: new Uint8Array(0) as Uint8Array,
    view: new DataView<ArrayBufferLike>(new ArrayBuffer(0)),
    offset: 0,
  };

  const look = (bytes: Uint8Array): void => {
    if (bytes.buffer !== chunk.view.buffer) chunk.view = new DataView(bytes.buffer);
    chunk.offset = bytes.byteOffset;
    chunk.bytes = bytes;
  };

  const find = (read: Read): number => {
    const { start } = read;
    const length = read.end - start;
    if (length < lengthMin || length > lengthMax) return 0;
    if (read.bytes !== chunk.bytes) look(read.bytes);
    const { view } = chunk;
    const from = chunk.offset + start;
    const end = from + length;
    const w0 = view.getInt32(from, true);
    const w1 = view.getInt32(from + 4, true);
    const w2 = view.getInt32(end - 8, true);
    const w3 = view.getInt32(end - 4, true);
    const { imul } = Math;
    // As `hashCode` says.
    const starts = imul(w0 + a0, (w0 >>> 16) + b0) + imul(w1 + a1, (w1 >>> 16) + b1);
    const ends = imul(w2 + a2, (w2 >>> 16) + b2) + imul(w3 + a3, (w3 >>> 16) + b3);
    const sum = length + starts + ends;
    return search(imul(sum ^ (sum >>> 16), factor), w0, w1, w2, w3, length);
  };
  return find;
}

type Search = (hash: number, w0: number, w1: number, w2: number, w3: number, length: number) => number;

/** Gives where the record lies of a code that is no more than these words; 0 if there is none. */
function createSearch({ passes: { ints }, table }: Parts): Search {
  const { entries, homeShift, placeMask, tagBits, tagMask } = table;
  const { lengthShift, placeOf, recordShift } = record;
  const word0 = placeOf(ints, 0);
  const word1 = placeOf(ints, 1);
  const word2 = placeOf(ints, 2);
  const word3 = placeOf(ints, 3);
  const traits = placeOf(ints, record.traits);

  const search: Search = (hash, w0, w1, w2, w3, length) => {
    for (let place = hash >>> homeShift; ; place = (place + 1) & placeMask) {
      const entry = entries[place]!;
      if (((entry ^ hash) & tagMask) === 0) {
        const at = (entry >>> tagBits) << recordShift;
        const starts = (w0 ^ word0[at]!) | (w1 ^ word1[at]!);
        const ends = (w2 ^ word2[at]!) | (w3 ^ word3[at]!);
        if ((starts | ends | (length ^ (traits[at]! >>> lengthShift))) === 0) return at;
      }
      if (entry === 0) return 0;
    }
  };
  return search;
}

/** Notes a read in its record if it is just one more of its pass: real, not over, nothing to be told; gives whether. */
function createNote(parts: Parts): (at: number, read: Read, device: number) => boolean {
  const { clocks, counts, departTicks, passes, passMaxTicks } = parts;
  const { deviceShift, eraShift, lastReadMask, pendingBit, placeOf, recordShift, toldBit } = record;
  const nowTick = clocks.ints.subarray(clockPlaces.nowTick);
  const era = clocks.ints.subarray(clockPlaces.era);
  const lastSeen = placeOf(passes.ints, record.lastSeen);
  const firstSeen = placeOf(passes.ints, record.firstSeen);
  const readCount = placeOf(passes.ints, record.readCount);
  const traits = placeOf(passes.ints, record.traits);
  const repeats = counts.subarray(count.repeats);
  const noteOther = (at: number, device: number): void => noteDevice(passes, at >> recordShift, device, clocks);
  const share = (at: number, read: Read): void => addShare(passes.shares, at >> recordShift, read);

  const note = (at: number, read: Read, device: number): boolean => {
    const now = nowTick[0]!;
    const facts = traits[at]!;
    if ((facts & pendingBit) !== 0 || now - lastSeen[at]! >= departTicks) return false;
    if (now - firstSeen[at]! >= passMaxTicks && (facts & toldBit) === 0) return false;
    lastSeen[at] = now;
    readCount[at]! += 1;
    if ((facts & lastReadMask) !== ((device << deviceShift) | (era[0]! << eraShift))) noteOther(at, device);
    if (read.antenna !== undefined) share(at, read);
    repeats[0]! += 1;
    return true;
  };
  return note;
}
