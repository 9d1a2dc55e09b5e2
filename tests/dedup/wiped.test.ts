import { describe, expect, it } from "vitest";
import { createDelimiterFramer } from "../../drivers/framing/delimiter.ts";
import { createStartEndFramer } from "../../drivers/framing/start-end.ts";
import { createClocks } from "../../src/dedup/ring/clocks.ts";
import { createRests, keepRest, releaseRest } from "../../src/dedup/ring/codes.ts";
import { beginPass, bindCode, createPasses, freeSlot, takeSlot } from "../../src/dedup/ring/passes.ts";
import type { FrameSink } from "../../src/driver/port.ts";

const secret = Buffer.from("Zhang San 13812345678, 1 Renmin Road, Hangzhou");

describe("R39 what is not needed any more is overwritten", () => {
  it("in the window: the code of a pass that is over, both ends and what lies between", () => {
    const passes = createPasses(4, 1);
    const rests = createRests(4);
    const slot = takeSlot(passes);
    const block = keepRest(rests, secret, 0, secret.length);
    const words = new Int32Array(4).fill(0x31323334);
    bindCode(passes, slot, 7, words, block, secret.length);
    beginPass(passes, slot, 0, "barcode", undefined, createClocks());
    expect(Buffer.from(rests.bytes).includes("138123")).toBe(true);
    expect(passes.ints.includes(0x31323334)).toBe(true);
    releaseRest(rests, block);
    freeSlot(passes, slot);
    expect(rests.bytes.every((byte) => byte === 0)).toBe(true);
    expect(passes.ints.every((int) => int === 0)).toBe(true);
  });

  it.each([
    ["delimiter", createDelimiterFramer({ delimiters: [Buffer.from("\r")], frameBytesMax: 64 }), "", "\r"],
    ["start and end", createStartEndFramer({ start: 2, end: 3, frameBytesMax: 64 }), "\x02", "\x03"],
  ])(
    "in a framer: a frame that came in two pieces, and one that never came to its end (%s)",
    (_, framer, start, end) => {
      const frames: Uint8Array[] = [];
      const sink: FrameSink = {
        frame(bytes, from, to) {
          expect(Buffer.from(bytes.subarray(from, to)).toString()).toBe(secret.toString());
          frames.push(bytes);
        },
        discarded() {},
      };
      framer.push(Buffer.from(start + secret.subarray(0, 20)), sink);
      framer.push(Buffer.from(secret.subarray(20) + end), sink);
      expect(frames).toHaveLength(1);
      const held = frames[0]!;
      expect(held.every((byte) => byte === 0)).toBe(true);
      framer.push(Buffer.from(start + secret.subarray(0, 20)), sink);
      expect(Buffer.from(held).includes("Zhang San")).toBe(true);
      framer.reset(sink);
      expect(held.every((byte) => byte === 0)).toBe(true);
    },
  );
});
