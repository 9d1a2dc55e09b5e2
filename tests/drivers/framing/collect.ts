import type { DiscardReason, Framer, FrameSink } from "../../../src/driver/port.ts";

/** What a framer gave, copied; discarded bytes summed by reason, for a long stretch may be told in parts. */
export interface Collected {
  readonly frames: string[];
  readonly discarded: Partial<Record<DiscardReason, number>>;
}

/** Pushes the portions, each as a buffer of its own that is overwritten afterwards; `isLast` breaks off what is left. */
export function run(framer: Framer, portions: readonly Uint8Array[], isLast = false): Collected {
  const frames: string[] = [];
  const discarded: Partial<Record<DiscardReason, number>> = {};
  const sink: FrameSink = {
    frame: (bytes, start, end) => {
      frames.push(Buffer.from(bytes.subarray(start, end)).toString("latin1"));
    },
    discarded: (reason, byteCount) => {
      discarded[reason] = (discarded[reason] ?? 0) + byteCount;
    },
  };
  for (const portion of portions) {
    const own = Uint8Array.from(portion);
    framer.push(own, sink);
    own.fill(0xee);
  }
  if (isLast) framer.reset(sink);
  return { frames, discarded };
}

/** Cuts bytes into portions at the given places. */
export function portion(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((from, i) => bytes.subarray(from, places[i] ?? bytes.length));
}

/** Each byte alone. */
export function singly(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (byte) => Uint8Array.of(byte));
}
