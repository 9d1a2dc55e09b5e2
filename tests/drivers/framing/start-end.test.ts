import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createStartEndFramer } from "../../../drivers/framing/index.ts";
import type { Framer } from "../../../src/driver/port.ts";
import { bytesOf } from "../../../src/lib/bytes.ts";
import { portion, run, singly } from "./collect.ts";

const framerOf = (frameBytesMax = 64): Framer =>
  createStartEndFramer({ start: 0x02, end: 0x03, between: [0x0d, 0x0a], frameBytesMax });

const busyBytes = fc
  .array(fc.constantFrom(..."ab\x02\x02\x03\x03\r\n"), { maxLength: 60 })
  .map((characters) => bytesOf(characters.join("")));

describe("a start-end framer", () => {
  it("gives what stands between start and end, CR and LF between the frames being no noise", () => {
    const { frames, discarded } = run(framerOf(), [bytesOf("\x02one\x03\r\n\x02two\r\n\x03\x02\x03")]);
    expect(frames).toEqual(["one", "two\r\n", ""]);
    expect(discarded).toEqual({});
  });

  it("tells noise between frames by its bytes", () => {
    const { frames, discarded } = run(framerOf(), [bytesOf("\x03xx\r\n\x02one\x03yy")]);
    expect(frames).toEqual(["one"]);
    expect(discarded).toEqual({ noise: 5 });
  });

  it("begins anew at a start within a frame and tells the part before", () => {
    const { frames, discarded } = run(framerOf(), [bytesOf("\x02SF13\x02SF1385628716739\x03")]);
    expect(frames).toEqual(["SF1385628716739"]);
    expect(discarded).toEqual({ "broken-off": 5 });
  });

  it("discards a frame over the limit and is back in step at the next start", () => {
    const { frames, discarded } = run(framerOf(4), [
      bytesOf("\x02abcde"),
      bytesOf("fg\x02abcd\x03\x02abcde\x03\x02x\x03"),
    ]);
    expect(frames).toEqual(["abcd", "x"]);
    expect(discarded).toEqual({ "too-long": 15 });
  });

  it("gives a frame that lies within the pushed bytes without copying it", () => {
    const pushed = bytesOf("\x02one\x03");
    let given: Uint8Array | undefined;
    framerOf().push(pushed, { frame: (bytes) => (given = bytes), discarded: () => undefined });
    expect(given).toBe(pushed);
  });

  it("gives the same however the bytes are portioned", () => {
    fc.assert(
      fc.property(busyBytes, fc.array(fc.nat(60)), fc.constantFrom(1, 3, 64), (bytes, cuts, max) => {
        const whole = run(framerOf(max), [bytes], true);
        expect(run(framerOf(max), portion(bytes, cuts), true)).toEqual(whole);
        expect(run(framerOf(max), singly(bytes), true)).toEqual(whole);
      }),
      { numRuns: 3_000 },
    );
  });

  it("accounts for each byte: in a frame, around it, between frames, or told as discarded", () => {
    fc.assert(
      fc.property(busyBytes, fc.array(fc.nat(60)), (bytes, cuts) => {
        const framer = framerOf(4);
        // CR and LF between frames are in no count: take them out where they are no part of a frame.
        const plain = bytes.filter((byte) => byte !== 0x0d && byte !== 0x0a);
        let count = 0;
        const sink = {
          frame: (_: Uint8Array, start: number, end: number) => {
            count += end - start + 2;
          },
          discarded: (_: string, byteCount: number) => {
            expect(byteCount).toBeGreaterThan(0);
            count += byteCount;
          },
        };
        for (const part of portion(plain, cuts)) framer.push(part, sink);
        framer.reset(sink);
        expect(count).toBe(plain.length);
      }),
      { numRuns: 2_000 },
    );
  });

  it("tells the half frame at a reset and waits for the next start", () => {
    const framer = framerOf();
    run(framer, [bytesOf("\x02half")]);
    const told: unknown[] = [];
    framer.reset({ frame: () => undefined, discarded: (...what) => told.push(what) });
    expect(told).toEqual([["broken-off", 5]]);
    expect(run(framer, [bytesOf("er\x03\x02one\x03")])).toEqual({ frames: ["one"], discarded: { noise: 3 } });
  });
});
