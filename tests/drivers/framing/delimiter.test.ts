import fc from "fast-check";
import { DelimiterParser, ReadlineParser } from "serialport";
import { describe, expect, it } from "vitest";
import { createDelimiterFramer } from "../../../drivers/framing/index.ts";
import type { Framer } from "../../../src/driver/port.ts";
import { bytesOf } from "../../../src/lib/bytes.ts";
import { portion, run, singly } from "./collect.ts";

const lineFramer = (frameBytesMax = 64): Framer =>
  createDelimiterFramer({ delimiters: ["\r", "\n", "\r\n"].map(bytesOf), frameBytesMax });
const framerOf = (delimiters: readonly string[], frameBytesMax = 64): Framer =>
  createDelimiterFramer({ delimiters: delimiters.map(bytesOf), frameBytesMax });

/** Bytes in which delimiters and their beginnings are frequent. */
const busyBytes = (alphabet: string) =>
  fc.array(fc.constantFrom(...alphabet), { maxLength: 60 }).map((characters) => bytesOf(characters.join("")));

describe("a line framer", () => {
  it("ends a frame at CR, at LF and at CR LF alike", () => {
    const { frames } = run(lineFramer(), [bytesOf("one\rtwo\nthree\r\nfour\r\n")]);
    expect(frames).toEqual(["one", "two", "three", "four"]);
  });

  it("makes no empty frame of a CR LF that comes in two portions", () => {
    expect(run(lineFramer(), [bytesOf("one\r"), bytesOf("\ntwo\r"), bytesOf("\n")]).frames).toEqual(["one", "two"]);
  });

  it("gives a frame at its CR and does not wait for a LF", () => {
    expect(run(lineFramer(), [bytesOf("one\r")]).frames).toEqual(["one"]);
  });

  it("makes an empty frame of an empty line", () => {
    expect(run(lineFramer(), [bytesOf("\r\n\r\n"), bytesOf("\n\n")]).frames).toEqual(["", "", "", ""]);
  });

  it("gives a frame that lies within the pushed bytes without copying it", () => {
    const pushed = bytesOf("xyone\ntwo");
    let given: Uint8Array | undefined;
    lineFramer().push(pushed, { frame: (bytes) => (given = bytes), discarded: () => undefined });
    expect(given).toBe(pushed);
  });

  it("does not search a long portion anew for each frame, although one kind of ending never comes", () => {
    const lines = Buffer.from("SF1\n".repeat(500_000));
    let frameCount = 0;
    const sink = {
      frame: () => {
        frameCount += 1;
      },
      discarded: () => undefined,
    };
    const startedAtMs = performance.now();
    lineFramer().push(lines, sink);
    expect(frameCount).toBe(500_000);
    // Milliseconds as it is, minutes if each frame cost a search to the end.
    expect(performance.now() - startedAtMs).toBeLessThan(5_000);
  });

  it("gives the same however the bytes are portioned, frames over the limit included", () => {
    fc.assert(
      fc.property(busyBytes("ab\r\n"), fc.array(fc.nat(60)), fc.constantFrom(1, 3, 64), (bytes, cuts, max) => {
        const whole = run(lineFramer(max), [bytes], true);
        expect(run(lineFramer(max), portion(bytes, cuts), true)).toEqual(whole);
        expect(run(lineFramer(max), singly(bytes), true)).toEqual(whole);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("a framer of several delimiters", () => {
  it.each([[["ab"]], [["abc"]], [["aab", "c"]], [["ab", "ba"]], [["aba", "c"]]])(
    "with %j gives the same however the bytes are portioned",
    (delimiters) => {
      fc.assert(
        fc.property(busyBytes("abcx"), fc.array(fc.nat(60)), fc.constantFrom(2, 5, 64), (bytes, cuts, max) => {
          const whole = run(framerOf(delimiters, max), [bytes], true);
          expect(run(framerOf(delimiters, max), portion(bytes, cuts), true)).toEqual(whole);
          expect(run(framerOf(delimiters, max), singly(bytes), true)).toEqual(whole);
        }),
        { numRuns: 1_000 },
      );
    },
  );

  it("refuses delimiters whose cut would depend on the portions", () => {
    expect(() => framerOf(["abc", "b"])).toThrow();
    expect(() => framerOf([])).toThrow();
    expect(() => framerOf([""])).toThrow();
  });
});

describe("against the parsers of serialport", () => {
  const parse = (parser: DelimiterParser | ReadlineParser, portions: readonly Uint8Array[]): string[] => {
    const frames: string[] = [];
    parser.on("data", (frame: Buffer | string) =>
      frames.push(Buffer.from(frame as string, "latin1").toString("latin1")),
    );
    for (const bytes of portions) parser.write(Buffer.from(bytes));
    return frames;
  };
  // They drop empty frames; ours gives them, so that an empty line can be counted.
  const notEmpty = (frames: readonly string[]): string[] => frames.filter((frame) => frame !== "");

  it("a framer of LF cuts as ReadlineParser does", () => {
    fc.assert(
      fc.property(busyBytes("ab\xff\x1d\r\n"), fc.array(fc.nat(60)), (bytes, cuts) => {
        const portions = portion(bytes, cuts);
        const parser = new ReadlineParser({ delimiter: "\n", encoding: "latin1" });
        expect(notEmpty(run(framerOf(["\n"]), portions).frames)).toEqual(parse(parser, portions));
      }),
      { numRuns: 1_000 },
    );
  });

  it("a framer of CR LF cuts as DelimiterParser does", () => {
    fc.assert(
      fc.property(busyBytes("a\r\n"), fc.array(fc.nat(60)), (bytes, cuts) => {
        const portions = portion(bytes, cuts);
        const parser = new DelimiterParser({ delimiter: "\r\n" });
        expect(notEmpty(run(framerOf(["\r\n"]), portions).frames)).toEqual(parse(parser, portions));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("what a delimiter framer loses", () => {
  it("is told: each byte stands in a frame, in a delimiter or in the count of discarded ones", () => {
    fc.assert(
      fc.property(busyBytes("abc\n"), fc.array(fc.nat(60)), (bytes, cuts) => {
        const framer = framerOf(["\n"], 4);
        let count = 0;
        const sink = {
          frame: (_: Uint8Array, start: number, end: number) => {
            count += end - start;
          },
          discarded: (_: string, byteCount: number) => {
            count += byteCount;
          },
        };
        for (const part of portion(bytes, cuts)) framer.push(part, sink);
        framer.reset(sink);
        expect(count + bytes.filter((byte) => byte === 0x0a).length).toBe(bytes.length);
      }),
      { numRuns: 1_000 },
    );
  });

  it("is a frame over the limit, and the next one is whole", () => {
    const long = "x".repeat(65);
    const { frames, discarded } = run(lineFramer(), [bytesOf(`${long}\r\n${"y".repeat(64)}\r\n`)]);
    expect(frames).toEqual(["y".repeat(64)]);
    expect(discarded).toEqual({ "too-long": 65 });
  });

  it("is the half frame at a reset, and the next one does not begin with it", () => {
    const framer = lineFramer();
    run(framer, [bytesOf("half")]);
    const told: unknown[] = [];
    framer.reset({ frame: () => undefined, discarded: (...what) => told.push(what) });
    expect(told).toEqual([["broken-off", 4]]);
    expect(run(framer, [bytesOf("whole\r")]).frames).toEqual(["whole"]);
  });
});
