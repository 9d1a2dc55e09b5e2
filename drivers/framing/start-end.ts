import type { Framer, FrameSink } from "../../src/driver/port.ts";

export interface StartEndFraming {
  /** The byte that begins a frame. */
  readonly start: number;
  /** The byte that ends it. */
  readonly end: number;
  /** Bytes that may stand between frames without being noise, such as CR and LF. */
  readonly between?: readonly number[];
  /** A frame longer than this is discarded; start and end do not count. */
  readonly frameBytesMax: number;
}

/**
 * Cuts frames out of a stream in which each begins and ends with a byte of its own.
 *
 * Gives:   the bytes between start and end; a stretch of the pushed bytes themselves where the frame lies within them.
 *          A start within a frame begins it anew: the device was cut short.
 * Cost:    two native searches per frame; holds `frameBytesMax` bytes, never more.
 * Loses:   `noise` between frames, the `broken-off` part before a second start or a `reset`, frames `too-long`; told by
 *          bytes, with the start and end bytes that they had, a long stretch in several parts.
 */
export function createStartEndFramer(framing: StartEndFraming): Framer {
  const { start, end, frameBytesMax } = framing;
  const between = new Set(framing.between ?? []);
  const held = Buffer.alloc(frameBytesMax);
  let heldCount = 0;
  let place: "outside" | "inside" | "too-long" = "outside";

  const countNoise = (bytes: Buffer, from: number, to: number): number => {
    let count = 0;
    for (let at = from; at < to; at += 1) if (!between.has(bytes[at] as number)) count += 1;
    return count;
  };

  /** Goes on within a frame at `at`, up to the next start or end; says where to go on from. */
  const proceed = (bytes: Buffer, at: number, startAt: number, endAt: number, sink: FrameSink): number => {
    const to = Math.min(startAt, endAt);
    const frameCount = heldCount + to - at;
    const isEnd = endAt < startAt;
    const isOpen = to === bytes.length;
    const earlierCount = heldCount;
    if (place === "too-long" || frameCount > frameBytesMax) {
      const byteCount = (place === "too-long" ? 0 : 1) + frameCount + (isEnd ? 1 : 0);
      heldCount = 0;
      place = isOpen ? "too-long" : isEnd ? "outside" : "inside";
      if (byteCount > 0) sink.discarded("too-long", byteCount);
    } else if (isOpen) {
      bytes.copy(held, heldCount, at, to);
      heldCount = frameCount;
    } else if (isEnd) {
      place = "outside";
      heldCount = 0;
      if (earlierCount === 0) sink.frame(bytes, at, to);
      else {
        bytes.copy(held, earlierCount, at, to);
        sink.frame(held, 0, frameCount);
      }
    } else {
      heldCount = 0;
      sink.discarded("broken-off", 1 + frameCount);
    }
    // What was held is not to be found in memory any more.
    if (heldCount === 0 && earlierCount > 0) held.fill(0, 0, Math.min(frameCount, held.length));
    return to + 1;
  };

  return {
    push(pushed, sink) {
      const bytes = Buffer.isBuffer(pushed) ? pushed : Buffer.from(pushed.buffer, pushed.byteOffset, pushed.byteLength);
      let at = 0;
      let startAt = -1;
      let endAt = -1;
      while (at < bytes.length) {
        // Each is searched again only once it lies behind, so the whole costs one walk over the bytes.
        if (startAt < at) startAt = indexOrLength(bytes, start, at);
        if (place === "outside") {
          const noiseCount = countNoise(bytes, at, startAt);
          at = startAt + 1;
          if (startAt < bytes.length) place = "inside";
          if (noiseCount > 0) sink.discarded("noise", noiseCount);
        } else {
          if (endAt < at) endAt = indexOrLength(bytes, end, at);
          at = proceed(bytes, at, startAt, endAt, sink);
        }
      }
    },
    reset(sink) {
      const byteCount = 1 + heldCount;
      const wasInside = place === "inside";
      held.fill(0, 0, heldCount);
      heldCount = 0;
      place = "outside";
      if (wasInside) sink.discarded("broken-off", byteCount);
    },
  };
}

function indexOrLength(bytes: Buffer, byte: number, from: number): number {
  const found = bytes.indexOf(byte, from);
  return found === -1 ? bytes.length : found;
}
