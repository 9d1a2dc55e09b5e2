import { assert } from "../../lib/assert.ts";
import { limits } from "../../model/limits.ts";
import type { AntennaShare } from "../../model/observation.ts";
import type { Read } from "../../model/read.ts";

/** A share is 16 bytes, four integers: two of them hold the peak as a float, then come antenna and count. */
const antennaAt = 2;
const countAt = 3;
const shareInts = 4;
const slotShift = 5;
assert(limits.passAntennasMax * shareInts === 1 << slotShift, "the shares of a slot fill its stretch");

/** What each antenna contributed to each pass; a count of zero ends the shares of a slot. */
export interface Shares {
  readonly ints: Int32Array;
  readonly peaks: Float64Array;
  /**
   * By slot: 1 if it has shares. Those of barcodes have none, and memory that was never looked at costs nothing: some
   * kernels back it as soon as it is read (128 bytes a pass).
   */
  readonly isUsed: Uint8Array;
}

export function createShares(capacity: number): Shares {
  const memory = new ArrayBuffer(((capacity + 1) << slotShift) * Int32Array.BYTES_PER_ELEMENT);
  return { ints: new Int32Array(memory), peaks: new Float64Array(memory), isUsed: new Uint8Array(capacity + 1) };
}

export function clearShares(shares: Shares, slot: number): void {
  if (shares.isUsed[slot] === 0) return;
  shares.isUsed[slot] = 0;
  const end = (slot + 1) << slotShift;
  for (let at = slot << slotShift; at < end && shares.ints[at + countAt] !== 0; at += shareInts)
    shares.ints[at + countAt] = 0;
}

/**
 * Counts a read for its antenna; it must have one.
 *
 * Loses: the share of an antenna beyond `limits.passAntennasMax`; its reads stay in the count of the pass.
 */
export function addShare(shares: Shares, slot: number, read: Read): void {
  const { ints, peaks } = shares;
  const antenna = read.antenna!;
  shares.isUsed[slot] = 1;
  const end = (slot + 1) << slotShift;
  for (let at = slot << slotShift; at < end; at += shareInts) {
    const count = ints[at + countAt]!;
    if (count === 0) {
      ints[at + antennaAt] = antenna;
      peaks[at >> 1] = Number.NEGATIVE_INFINITY;
    } else if (ints[at + antennaAt] !== antenna) continue;
    ints[at + countAt] = count + 1;
    if (read.rssiDbm !== undefined && read.rssiDbm > peaks[at >> 1]!) peaks[at >> 1] = read.rssiDbm;
    return;
  }
}

/** The shares of a pass, in the order in which its antennas heard it first. */
export function sharesOf(shares: Shares, slot: number): AntennaShare[] {
  const list: AntennaShare[] = [];
  if (shares.isUsed[slot] === 0) return list;
  const end = (slot + 1) << slotShift;
  for (let at = slot << slotShift; at < end && shares.ints[at + countAt] !== 0; at += shareInts) {
    const peak = shares.peaks[at >> 1]!;
    list.push({
      antenna: shares.ints[at + antennaAt]!,
      readCount: shares.ints[at + countAt]!,
      rssiDbmPeak: peak === Number.NEGATIVE_INFINITY ? undefined : peak,
    });
  }
  return list;
}
