import { expect, test } from "vitest";
import { drawKeys, halfSipHash, hashCode, loadWords } from "../../src/dedup/ring/hash.ts";
import { bytesOf } from "../../src/lib/bytes.ts";

const words = new Int32Array(8);
const keys = drawKeys();

function hashAt(bytes: Uint8Array, start: number, end: number): number {
  loadWords(words, bytes, start, end);
  return hashCode(keys, words, bytes, start, end);
}

test("long codes are hashed by HalfSipHash-1-3", () => {
  // Known answers for the key 00 01 … 07 and the messages (empty), 00, 00 01, …: Linux, siphash_kunit.c.
  const answers = [0x5814c896, 0xe7e864ca, 0xbc4b0e30, 0x01539939, 0x7e059ea6, 0x88e3d89b, 0xa0080b65, 0x9d38d9d6];
  const message = Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7]);
  const given = answers.map((_, length) => halfSipHash(message, 0, length, 0x03020100, 0x07060504) >>> 0);
  expect(given).toEqual(answers);
});

test("short codes are hashed by the products of keyed halves, summed up", () => {
  const pairs = Int32Array.of(0x7fff_fff0, 3, 5, 7, 11, 13, 17, 19, 0, 0, 0, 0, 0, 0, 0, 0);
  const factors = [
    [0x7fff_fff0 + 0x4443_4241, 3 + 0x4443],
    [5 + 0x4847_4645, 7 + 0x4847],
    [11 + 0x4544_4342, 13 + 0x4544],
    [17 + 0x4948_4746, 19 + 0x4948],
  ] as const;
  const sum = factors.reduce((sum, [low, high]) => BigInt.asUintN(32, sum + BigInt(low) * BigInt(high)), 9n);
  loadWords(words, bytesOf("xABCDEFGHIx"), 1, 10);
  expect([...words]).toEqual([0x4443_4241, 0x4847_4645, 0x4544_4342, 0x4948_4746, 0, 0, 0, 0]);
  const given = hashCode({ ...keys, pairs, factor: 0x2545_f491 }, words, bytesOf("ABCDEFGHI"), 0, 9);
  expect(given).toBe(Math.imul(Number(sum ^ (sum >> 16n)), 0x2545_f491));
});

test("the words of a code of up to 32 bytes hold all of it", () => {
  for (let length = 0; length <= 32; length++) {
    const code = Uint8Array.from({ length }, (_, n) => n + 1);
    loadWords(words, code, 0, length);
    const start = JSON.stringify([...words]);
    for (let n = 0; n < length; n++) {
      code[n] = 0xff;
      loadWords(words, code, 0, length);
      expect(JSON.stringify([...words])).not.toBe(start);
      code[n] = n + 1;
    }
  }
});

test.each([0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 100])(
  "the hash of %i bytes depends on them alone, not on where they lie",
  (length) => {
    const frame = bytesOf("\x02".concat("x".repeat(length), "\x03\xff", "x".repeat(length), "\x00\xfe\xfd"));
    expect(hashAt(frame, 1, 1 + length)).toBe(hashAt(frame, 3 + length, 3 + 2 * length));
    expect(hashAt(frame, 1, 1 + length)).not.toBe(hashAt(frame, 1, 2 + length));
  },
);

test("consecutive waybills spread over all hashes", () => {
  const hashes = new Set<number>();
  for (let n = 0; n < 10_000; n++) hashes.add(hashAt(bytesOf(`SF13856287${n}`), 0, 10 + `${n}`.length) >>> 16);
  // 10,000 balls in 65,536 bins fill 9,274 of them on average, give or take 25.
  expect(hashes.size).toBeGreaterThan(9_000);
  expect(hashes.size).toBeLessThan(9_550);
});
