import { expect, it } from "vitest";
import { createCollecting } from "../../src/lib/collector.ts";

const megabyte = 2 ** 20;

it("garbage is collected when there is much of it, and not for what stays", () => {
  let used = 40 * megabyte;
  let collectedCount = 0;
  const look = createCollecting({
    used: () => used,
    collect() {
      collectedCount += 1;
      used = 60 * megabyte;
    },
  });
  look();
  used = 55 * megabyte;
  look();
  expect(collectedCount).toBe(0);
  used = 70 * megabyte;
  look();
  look();
  expect(collectedCount).toBe(1);
  used = 90 * megabyte;
  look();
  expect(collectedCount).toBe(2);
});

it("garbage is collected once when little comes any more, and again after more has come", () => {
  const kilobyte = 1_024;
  let used = 40 * megabyte;
  const collectedAt: number[] = [];
  let lookCount = 0;
  const look = createCollecting({
    used: () => used,
    collect: () => collectedAt.push(lookCount),
  });
  const looks = (count: number, grownBytes: number): void => {
    for (let n = 0; n < count; n += 1) {
      used += grownBytes;
      lookCount += 1;
      look();
    }
  };
  looks(10, megabyte);
  expect(collectedAt).toStrictEqual([]);
  looks(200, kilobyte);
  expect(collectedAt).toStrictEqual([60]);
  looks(1, megabyte);
  looks(60, kilobyte);
  expect(collectedAt).toStrictEqual([60, 261]);
});

it("garbage of this thread is collected for real", async () => {
  const look = createCollecting();
  let kept: Buffer[] = Array.from({ length: 64 }, () => Buffer.alloc(megabyte, 1));
  const before = process.memoryUsage().arrayBuffers;
  kept = [];
  look();
  expect(kept).toEqual([]);
  // Buffers are given back by a thread of V8's own.
  await expect.poll(() => before - process.memoryUsage().arrayBuffers).toBeGreaterThan(40 * megabyte);
});
