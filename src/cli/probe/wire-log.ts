import { limits } from "../../model/limits.ts";
import { isFraming } from "./wire-text.ts";

/** A frame with the framing bytes that stood around it on the wire. */
export interface WireFrame {
  readonly bytes: Buffer;
  /** Where the frame itself lies in `bytes`. */
  readonly start: number;
  readonly end: number;
}

/** Keeps what came over the wire until it is known to which frame it belongs. */
export interface WireLog {
  push(bytes: Uint8Array): void;
  /** The framing around a frame that the framer has just found; frames are asked for in their order. */
  take(frame: Uint8Array): WireFrame;
  /** The oldest bytes that belong to no frame yet, which the framer has just discarded. */
  drop(byteCount: number): Buffer;
  /** What came since the last frame. */
  rest(): Buffer;
}

/** More framing bytes than these belong to no frame. */
const framingBytesMax = 4;

const stx = 0x02;

/** Framers cut framing off, yet it is what a technician has to see when a device and its profile do not fit. */
export function createWireLog(): WireLog {
  let held: Buffer = Buffer.alloc(0);
  return {
    push(bytes) {
      const all = Buffer.concat([held, bytes]);
      held = all.subarray(Math.max(0, all.length - 2 * limits.frameBytesMax - bytes.length));
    },
    take(frame) {
      const start = frame.length === 0 ? 0 : held.indexOf(frame);
      if (start === -1) return { bytes: Buffer.from(frame), start: 0, end: frame.length };
      const end = start + frame.length;
      let from = start;
      while (from > 0 && start - from < framingBytesMax && isFraming(held[from - 1] as number)) from -= 1;
      let to = end;
      // A STX belongs to the next frame.
      while (to < held.length && to - end < framingBytesMax && isFraming(held[to] as number) && held[to] !== stx)
        to += 1;
      const bytes = Buffer.from(held.subarray(from, to));
      held = held.subarray(to);
      return { bytes, start: start - from, end: end - from };
    },
    drop(count) {
      const bytes = held.subarray(0, count);
      held = held.subarray(bytes.length);
      return bytes;
    },
    rest: () => held,
  };
}
