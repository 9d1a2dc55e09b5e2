import type { Framer, FrameSink } from "../../src/driver/port.ts";
import { assert } from "../../src/lib/assert.ts";

export interface DelimiterFraming {
  /** Byte strings that end a frame. One may be another plus one byte, as CR and CR LF are. */
  readonly delimiters: readonly Uint8Array[];
  /** A frame longer than this is discarded; delimiters do not count. */
  readonly frameBytesMax: number;
}

/**
 * Cuts a stream where one of several delimiters stands.
 *
 * Takes:   bytes in any portions; a delimiter may be spread over several.
 * Gives:   the bytes between delimiters, also empty frames; a stretch of the pushed bytes itself where the frame lies
 *          wholly within them. A frame is given at its first possible end: after CR at once, and a LF that follows is
 *          part of that ending, in whatever portion it comes.
 * Cost:    two native searches per frame; holds `frameBytesMax` bytes, never more.
 * Loses:   frames over the limit and half frames at `reset`, told by bytes (a long one in several parts).
 */
export function createDelimiterFramer(framing: DelimiterFraming): Framer {
  const endings = arrangeEndings(framing.delimiters);
  const { frameBytesMax } = framing;
  const endingBytesMax = Math.max(...endings.map((ending) => ending.bytes.length));
  // A frame that is just short enough may be followed by all but the last byte of a delimiter.
  const held = Buffer.alloc(frameBytesMax + endingBytesMax - 1);
  let heldCount = 0;
  let skipping = false;
  let skippedCount = 0;
  let optionalByte: number | undefined;

  /** Where each ending stands next in the pushed bytes: searched again only once it lies behind. */
  const nextAt = endings.map(() => -1);

  const tellSkipped = (sink: FrameSink): void => {
    const byteCount = skippedCount;
    skippedCount = 0;
    if (byteCount > 0) sink.discarded("too-long", byteCount);
  };

  const hold = (bytes: Buffer, from: number, sink: FrameSink): void => {
    const count = bytes.length - from;
    if (!skipping && heldCount + count <= held.length) {
      bytes.copy(held, heldCount, from);
      heldCount += count;
      return;
    }
    // Too long already. Only as much is kept as may turn out to be the beginning of a delimiter.
    skipping = true;
    const kept = Math.min(endingBytesMax - 1, heldCount + count);
    const keptOfNew = Math.min(kept, count);
    const keptOfOld = kept - keptOfNew;
    skippedCount += heldCount + count - kept;
    held.copyWithin(0, heldCount - keptOfOld, heldCount);
    bytes.copy(held, keptOfOld, bytes.length - keptOfNew);
    heldCount = kept;
    if (skippedCount >= frameBytesMax) tellSkipped(sink);
  };

  /** Ends the frame that consists of the first `count` held bytes and `bytes[from, to)`. */
  const finish = (count: number, bytes: Buffer, from: number, to: number, sink: FrameSink): void => {
    heldCount = 0;
    const frameCount = count + to - from;
    if (skipping) {
      skipping = false;
      skippedCount += frameCount;
      tellSkipped(sink);
    } else if (frameCount > frameBytesMax) {
      sink.discarded("too-long", frameCount);
    } else if (count === 0) {
      sink.frame(bytes, from, to);
    } else {
      bytes.copy(held, count, from, to);
      sink.frame(held, 0, frameCount);
    }
    // What was held is not to be found in memory any more.
    if (count > 0) held.fill(0, 0, Math.min(frameCount, held.length));
  };

  const afterEnding = (ending: Ending, bytes: Buffer, at: number): number => {
    if (at === bytes.length) optionalByte = ending.optionalByte;
    return ending.optionalByte !== undefined && bytes[at] === ending.optionalByte ? at + 1 : at;
  };

  return {
    push(pushed, sink) {
      const bytes = asBuffer(pushed);
      if (bytes.length === 0) return;
      let at = bytes[0] === optionalByte ? 1 : 0;
      optionalByte = undefined;
      const first = heldCount > 0 ? findAcross(endings, held, heldCount, bytes) : undefined;
      if (first !== undefined) {
        finish(heldCount - first.heldPart, bytes, 0, 0, sink);
        at = afterEnding(first.ending, bytes, first.ending.bytes.length - first.heldPart);
      }
      nextAt.fill(-1);
      while (at < bytes.length) {
        const which = findNext(endings, nextAt, bytes, at);
        if (which === undefined) return hold(bytes, at, sink);
        const ending = endings[which] as Ending;
        const endAt = nextAt[which] as number;
        finish(heldCount, bytes, at, endAt, sink);
        at = afterEnding(ending, bytes, endAt + ending.bytes.length);
      }
    },
    reset(sink) {
      if (skipping) {
        skippedCount += heldCount;
        tellSkipped(sink);
      } else if (heldCount > 0) sink.discarded("broken-off", heldCount);
      held.fill(0, 0, heldCount);
      heldCount = 0;
      skipping = false;
      optionalByte = undefined;
    },
  };
}

interface Ending {
  readonly bytes: Buffer;
  /** Belongs to the ending if it follows: the LF of CR LF where CR alone ends a frame too. */
  readonly optionalByte: number | undefined;
}

function arrangeEndings(delimiters: readonly Uint8Array[]): readonly Ending[] {
  const all = delimiters.map((delimiter) => Buffer.from(delimiter));
  assert(all.length > 0 && all.every((one) => one.length > 0), "a delimiter framer needs a delimiter");
  const isBegunBy = (one: Buffer, other: Buffer): boolean =>
    one.length === other.length + 1 && one.subarray(0, other.length).equals(other);
  const shortest = all.filter((one) => !all.some((other) => isBegunBy(one, other)));
  // Otherwise the cut would depend on how the bytes were portioned.
  const nested = shortest.some((one, i) => shortest.some((other, k) => i !== k && one.includes(other)));
  assert(!nested, "a delimiter lies within another only as its beginning, one byte shorter");
  return shortest.map((bytes) => ({ bytes, optionalByte: all.find((one) => isBegunBy(one, bytes))?.[bytes.length] }));
}

/** The ending that begins in the held bytes and is completed by the first of `bytes`; an earlier beginning wins. */
function findAcross(
  endings: readonly Ending[],
  held: Buffer,
  heldCount: number,
  bytes: Buffer,
): { ending: Ending; heldPart: number } | undefined {
  const partMax = Math.max(...endings.map((ending) => ending.bytes.length)) - 1;
  for (let heldPart = Math.min(heldCount, partMax); heldPart > 0; heldPart -= 1)
    for (const ending of endings) {
      const rest = ending.bytes.length - heldPart;
      if (rest <= 0 || rest > bytes.length) continue;
      if (held.compare(ending.bytes, 0, heldPart, heldCount - heldPart, heldCount) !== 0) continue;
      if (bytes.compare(ending.bytes, heldPart, ending.bytes.length, 0, rest) === 0) return { ending, heldPart };
    }
  return undefined;
}

/** The ending that stands first at or after `at`; `nextAt` says where. */
function findNext(endings: readonly Ending[], nextAt: number[], bytes: Buffer, at: number): number | undefined {
  let first: number | undefined;
  let firstAt = bytes.length;
  for (let i = 0; i < endings.length; i += 1) {
    let next = nextAt[i] as number;
    if (next < at) {
      const delimiter = (endings[i] as Ending).bytes;
      const found = bytes.indexOf(delimiter.length === 1 ? (delimiter[0] as number) : delimiter, at);
      next = found === -1 ? bytes.length : found;
      nextAt[i] = next;
    }
    if (next < firstAt) {
      first = i;
      firstAt = next;
    }
  }
  return first;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
