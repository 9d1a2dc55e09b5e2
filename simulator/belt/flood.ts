import type { Expected } from "../truth.ts";
import type { TagPass } from "./parcels.ts";
import { createRandom } from "./random.ts";
import { sscc96 } from "./tags.ts";

/** One read of a tag by an antenna. */
export interface TagRead {
  readonly epcHex: string;
  readonly antenna: number;
  readonly rssiDbm: number;
}

export interface Flood {
  /** Takes note of a tag that will pass. */
  add(tag: TagPass): void;
  /** The reads since the last call, and the tags that are in them for the first time. */
  next(nowMs: number): { readonly reads: readonly TagRead[]; readonly entered: readonly TagPass[] };
  /** How long the stray tag has been read. */
  strayMs(nowMs: number): number;
  readonly stray: TagPass;
}

export interface FloodSettings {
  readonly seed: number;
  readonly readsPerSecond: number;
  readonly readPoint: string;
}

/** After a pause of the process the reader does not catch up for longer than this. */
const catchUpMaxMs = 100;

const antennaCount = 4;

/** The stray tag comes into the field this long after the start. */
const strayAtMs = 300;

/**
 * What an RFID reader tells that hears every tag again and again: several antennas, changing strength, and one stray
 * tag beside the belt that is heard for ever.
 *
 * Gives:  `readsPerSecond` reads, shared by all tags that are in the field; each of them at least once per call.
 */
export function createFlood({ seed, readsPerSecond, readPoint }: FloodSettings): Flood {
  const random = createRandom(seed ^ 0x5eed);
  const epcHex = sscc96(6_901_234n, BigInt(random.digits(10)));
  const expected: Expected = { kind: "read", readPoint, parcel: 0, code: epcHex };
  const stray: TagPass = { epcHex, atMs: strayAtMs, untilMs: Number.POSITIVE_INFINITY, expected };
  const inSight: TagPass[] = [stray];
  const known = new Set<TagPass>();
  let lastMs = 0;
  let owed = 0;

  const read = (tag: TagPass): TagRead => ({
    epcHex: tag.epcHex,
    antenna: random.between(1, antennaCount),
    rssiDbm: tag === stray ? random.between(-74, -66) : random.between(-65, -42),
  });

  return {
    stray,
    add: (tag) => void inSight.push(tag),
    strayMs: (nowMs) => Math.max(0, nowMs - strayAtMs),
    next(nowMs) {
      for (let at = inSight.length - 1; at >= 0; at -= 1) {
        const tag = inSight[at] as TagPass;
        if (tag.untilMs > nowMs) continue;
        inSight.splice(at, 1);
        known.delete(tag);
      }
      const tags = inSight.filter((tag) => tag.atMs <= nowMs);
      const entered = tags.filter((tag) => !known.has(tag));
      for (const tag of entered) known.add(tag);
      owed += (Math.min(nowMs - lastMs, catchUpMaxMs) * readsPerSecond) / 1_000;
      lastMs = nowMs;
      const readCount = tags.length === 0 ? 0 : Math.max(tags.length, Math.floor(owed));
      owed = Math.max(0, owed - readCount);
      const reads = Array.from({ length: readCount }, (_, index) => read(tags[index % tags.length] as TagPass));
      return { reads, entered };
    },
  };
}
