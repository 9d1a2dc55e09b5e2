import { describe, expect, it } from "vitest";
import { createDelimiterFramer, createStartEndFramer } from "../../../drivers/framing/index.ts";
import type { Framer } from "../../../src/driver/port.ts";
import { bytesOf } from "../../../src/lib/bytes.ts";
import { limits } from "../../../src/model/limits.ts";

const portionBytes = 65_536;
const portionCount = 1_600;
const endlessBytes = portionBytes * portionCount;

/** Pushes 100 MB and says by how many bytes the process grew and what was told. */
function feed(framer: Framer, fill: number): { grownBytes: number; told: Map<string, number>; frameCount: number } {
  const told = new Map<string, number>();
  let frameCount = 0;
  const sink = {
    frame: () => {
      frameCount += 1;
    },
    discarded: (reason: string, byteCount: number) => {
      told.set(reason, (told.get(reason) ?? 0) + byteCount);
    },
  };
  const held = (): number => {
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const portion = Buffer.alloc(portionBytes, fill);
  let largest = 0;
  const before = held();
  for (let i = 0; i < portionCount; i += 1) {
    framer.push(portion, sink);
    if (i % 100 === 0) largest = Math.max(largest, held());
  }
  framer.reset(sink);
  return { grownBytes: largest - before, told, frameCount };
}

describe("100 MB without an end", () => {
  const lines = createDelimiterFramer({
    delimiters: ["\r", "\n", "\r\n"].map(bytesOf),
    frameBytesMax: limits.frameBytesMax,
  });
  const enclosed = createStartEndFramer({ start: 0x02, end: 0x03, frameBytesMax: limits.frameBytesMax });

  it("leave a delimiter framer's memory flat, and every byte is told", () => {
    const { grownBytes, told, frameCount } = feed(lines, 0x41);
    expect(frameCount).toBe(0);
    expect([...told]).toEqual([["too-long", endlessBytes]]);
    expect(grownBytes).toBeLessThan(8_000_000);
  });

  it("leave a start-end framer's memory flat, within a frame and outside of one", () => {
    const outside = feed(enclosed, 0x41);
    expect([...outside.told]).toEqual([["noise", endlessBytes]]);
    expect(outside.grownBytes).toBeLessThan(8_000_000);
    enclosed.push(Uint8Array.of(0x02), { frame: () => undefined, discarded: () => undefined });
    const inside = feed(enclosed, 0x41);
    expect([...inside.told]).toEqual([["too-long", endlessBytes + 1]]);
    expect(inside.grownBytes).toBeLessThan(8_000_000);
  });
});
