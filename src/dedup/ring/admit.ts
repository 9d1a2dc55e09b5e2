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
 * to tell. What is looked at for every read is held by closures, one place of the memory under one name: V8 takes
 * these for constants, but looks up a name from another file at each use. Together the three functions have 860
 * bytecodes, and V8 makes one piece of code of up to 920: measured at 1,000 live codes, 60 ns became 27 ns.
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
  const { factor, pairs } = parts.keys;
  const [a0 = 0, b0 = 0, a1 = 0, b1 = 0, a2 = 0, b2 = 0, a3 = 0, b3 = 0] = pairs;
  const lengthMin = wholeBytesMin;
  // Reads that may be too weak all go the long way, and so do the others of their read point.
  const lengthMax = parts.rssiMinDbm > Number.NEGATIVE_INFINITY ? 0 : recordBytes;
  const find = createFind(parts);
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

  const admit = (read: Read, device: number, monotonicMs: MonotonicMs, epochMs: EpochMs): Admission => {
    // Most reads share a look at the clock with the one before.
    if (!(monotonicMs <= nowMs[0]! && epochMs === readWallMs[0])) setReadClocks(monotonicMs, epochMs);
    const { start } = read;
    const length = read.end - start;
    if (length < lengthMin || length > lengthMax) return admitOther(read, device);
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
    const starts = imul(a0 + w0, b0 + (w0 >>> 16)) + imul(a1 + w1, b1 + (w1 >>> 16));
    const ends = imul(a2 + w2, b2 + (w2 >>> 16)) + imul(a3 + w3, b3 + (w3 >>> 16));
    const sum = length + starts + ends;
    return find(imul(sum ^ (sum >>> 16), factor), w0, w1, w2, w3, length, read, device);
  };
  return admit;
}

type Find = (
  ...code: [hash: number, w0: number, w1: number, w2: number, w3: number, length: number, read: Read, device: number]
) => Admission;

/** Looks for the record of a code that has no more than these words. */
function createFind(parts: Parts): Find {
  const { admitOther } = parts;
  const { entries, homeShift, placeMask, tagBits, tagMask } = parts.table;
  const { recordShift, lengthShift } = record;
  const { ints: word0 } = parts.passes;
  const [word1, word2, word3] = [word0.subarray(1), word0.subarray(2), word0.subarray(3)];
  const traits = word0.subarray(record.traits);
  const note = createNote(parts);

  const find: Find = (hash, w0, w1, w2, w3, length, read, device) => {
    for (let place = hash >>> homeShift; ; place = (place + 1) & placeMask) {
      const entry = entries[place]!;
      if (((entry ^ hash) & tagMask) === 0) {
        const at = (entry >>> tagBits) << recordShift;
        const starts = (word0[at]! ^ w0) | (word1[at]! ^ w1);
        const ends = (word2[at]! ^ w2) | (word3[at]! ^ w3);
        if ((starts | ends | ((traits[at]! >>> lengthShift) ^ length)) === 0) return note(at, read, device);
      }
      if (entry === 0) return admitOther(read, device);
    }
  };
  return find;
}

/** Notes the read in the record at this place, if it is one more of its pass: real, not over, nothing to be told. */
function createNote(parts: Parts): (at: number, read: Read, device: number) => Admission {
  const { admitOther, clocks, counts, departTicks, passes, passMaxTicks } = parts;
  const { deviceShift, eraShift, lastReadMask, pendingBit, recordShift, toldBit } = record;
  const nowTick = clocks.ints.subarray(clockPlaces.nowTick);
  const era = clocks.ints.subarray(clockPlaces.era);
  const lastSeen = passes.ints.subarray(record.lastSeen);
  const firstSeen = passes.ints.subarray(record.firstSeen);
  const readCount = passes.ints.subarray(record.readCount);
  const traits = passes.ints.subarray(record.traits);
  const repeats = counts.subarray(count.repeats);
  const noteOther = (at: number, device: number): void => noteDevice(passes, at >> recordShift, device, clocks);
  const share = (at: number, read: Read): void => addShare(passes.shares, at >> recordShift, read);

  const note = (at: number, read: Read, device: number): Admission => {
    const now = nowTick[0]!;
    const facts = traits[at]!;
    if (
      (facts & pendingBit) !== 0 ||
      now - lastSeen[at]! >= departTicks ||
      (now - firstSeen[at]! >= passMaxTicks && (facts & toldBit) === 0)
    )
      return admitOther(read, device);
    lastSeen[at] = now;
    readCount[at]! += 1;
    if ((facts & lastReadMask) !== ((device << deviceShift) | (era[0]! << eraShift))) noteOther(at, device);
    if (read.antenna !== undefined) share(at, read);
    repeats[0]! += 1;
    return "suppressed";
  };
  return note;
}
