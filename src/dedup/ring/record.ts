import { assert } from "../../lib/assert.ts";
import { limits } from "../../model/limits.ts";
import { eraBits } from "./clocks.ts";
import { recordBytes } from "./codes.ts";

/**
 * Where the facts that every read needs lie in the record of a pass: 32 bytes, half a cache line, because a line that
 * is not at hand is most of what a read costs. The words of the code stand first; in a code of more than 16 bytes the
 * first two give way to its hash and the first block of its rest. Times are ticks of `clocks.ts`.
 */
export const recordShift = 3;
export const recordInts: number = 1 << recordShift;
export const longHash = 0;
export const longBlock = 1;
export const lastSeen = 4;
export const firstSeen = 5;
export const readCount = 6;
export const traits = 7;
assert(recordBytes / 4 === lastSeen, "the ends of a code fill their place");

/** The traits packed into one integer: three flags, device of the last read 5 bits, its era 12, length of the code 12. */
export const pendingBit = 1;
export const toldBit = 2;
export const rfidBit = 4;
export const deviceShift = 3;
export const eraShift = 8;
export const lengthShift = 20;
export const eraMask: number = (1 << eraBits) - 1;
export const lastReadMask: number = (31 << deviceShift) | (eraMask << eraShift);
assert(limits.readPointDevicesMax <= 32, "a device has a bit of its own");
assert(eraShift + eraBits === lengthShift, "an era fits beside the other traits");
assert(limits.codeBytesMax < 1 << (32 - lengthShift), "a length fits beside the other traits");

/** One place of all records, at `slot << recordShift`. All places are of one length: V8 then checks an index once for all. */
export function placeOf(ints: Int32Array, place: number): Int32Array {
  return ints.subarray(place, ints.length - recordInts + 1 + place);
}
