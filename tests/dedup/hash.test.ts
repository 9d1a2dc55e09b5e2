import { expect, test } from "vitest";
import { halfSipHash, hashCode, hashWords } from "../../src/dedup/ring/hash.ts";
import { bytesOf } from "../../src/lib/bytes.ts";

const words = new Int32Array(8);

function hashAt(bytes: Uint8Array, start: number, end: number): number {
  return hashCode(words, bytes, start, end);
}

test("long codes are hashed by HalfSipHash-1-3", () => {
  // Known answers for the key 00 01 … 07 and the messages (empty), 00, 00 01, …: Linux, siphash_kunit.c.
  const answers = [0x5814c896, 0xe7e864ca, 0xbc4b0e30, 0x01539939, 0x7e059ea6, 0x88e3d89b, 0xa0080b65, 0x9d38d9d6];
  const message = Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7]);
  const given = answers.map((_, length) => halfSipHash(message, 0, length, 0x03020100, 0x07060504) >>> 0);
  expect(given).toEqual(answers);
});

test("short codes are hashed by NH: the products of keyed halves, summed up", () => {
  words.fill(-1);
  const keys = Int32Array.of(0xffff_0001, 0x0002_0003, 0, 0, 0, 0, 0, 0);
  const sum = 0x4242 * 0x4442 + 0x48 * 2 + 5 * 0x9e3779b1;
  let mixed = sum | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  expect(hashWords(words, bytesOf("xABCDEx"), 1, 6, keys)).toBe(mixed ^ (mixed >>> 16));
  expect([...words]).toEqual([0x4443_4241, 0x45, 0, 0, -1, -1, -1, -1]);
});

test.each([0, 1, 2, 3, 4, 15, 31, 32, 33, 100])(
  "the hash of %i bytes depends on them alone, not on where they lie",
  (length) => {
    const frame = bytesOf("\x02".concat("x".repeat(length), "\x03\xff", "x".repeat(length), "\x00\xfe\xfd"));
    expect(hashAt(frame, 1, 1 + length)).toBe(hashAt(frame, 3 + length, 3 + 2 * length));
    expect(hashAt(frame, 1, 1 + length)).not.toBe(hashAt(frame, 1, 2 + length));
  },
);

test("consecutive waybills spread over all hashes", () => {
  const hashes = new Set<number>();
  for (let n = 0; n < 10_000; n++) hashes.add(hashAt(bytesOf(`SF13856287${n}`), 0, 10 + `${n}`.length) & 0xffff);
  // 10,000 balls in 65,536 bins fill 9,274 of them on average, give or take 25.
  expect(hashes.size).toBeGreaterThan(9_000);
  expect(hashes.size).toBeLessThan(9_550);
});
