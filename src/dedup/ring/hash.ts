import { randomBytes } from "node:crypto";
import { startBytes } from "./codes.ts";

/** A 32-bit hash of the code `bytes[start, end)`, whose start was loaded into `words`. Equal codes hash alike. */
export type CodeHash = (words: Int32Array, bytes: Uint8Array, start: number, end: number) => number;

/**
 * HalfSipHash-1-3 with a 32-bit result: a keyed hash, so that nobody without the key can print labels that collide.
 *
 * Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), in its half-width form.
 */
export function halfSipHash(bytes: Uint8Array, start: number, end: number, key0: number, key1: number): number {
  let v0 = key0 | 0;
  let v1 = key1 | 0;
  let v2 = key0 ^ 0x6c796765;
  let v3 = key1 ^ 0x74656462;
  const wordsEnd = start + ((end - start) & ~3);
  let at = start;
  // One turn a word, one for the tail, three to finish with a word of zero: the same round serves all of them.
  for (let finalTurns = -1; finalTurns < 3; ) {
    let word = 0;
    if (at < wordsEnd) {
      word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
      at += 4;
    } else {
      finalTurns += 1;
      if (finalTurns === 0) {
        word = (end - start) << 24;
        if (at < end) word |= bytes[at]!;
        if (at + 1 < end) word |= bytes[at + 1]! << 8;
        if (at + 2 < end) word |= bytes[at + 2]! << 16;
      } else if (finalTurns === 1) v2 ^= 0xff;
    }
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  return v1 ^ v3;
}

/**
 * NH over the words of a short code, halves of 16 bits: two codes collide under one key in 65,536, whichever they are.
 *
 * Source: Black et al., "UMAC: Fast and Secure Message Authentication" (1999), section 3; then MurmurHash3's mixer,
 * a permutation, because the table uses some bits only.
 */
export function hashWords(words: Int32Array, length: number, keys: Int32Array): number {
  let sum = Math.imul(length, 0x9e3779b1);
  for (let at = 0; at << 2 < length; at++) {
    const word = words[at]!;
    const key = keys[at]!;
    sum = (sum + Math.imul((word + key) & 0xffff, ((word >>> 16) + (key >>> 16)) & 0xffff)) | 0;
  }
  sum = Math.imul(sum ^ (sum >>> 16), 0x85ebca6b);
  sum = Math.imul(sum ^ (sum >>> 13), 0xc2b2ae35);
  return sum ^ (sum >>> 16);
}

/** Drawn at random when the module is loaded, so that nobody can print labels that collide. */
const keyBytes = Uint8Array.from(randomBytes(startBytes + 8));
const wordKeys = new Int32Array(keyBytes.buffer, 0, startBytes / 4);
const longKeys = new Int32Array(keyBytes.buffer, startBytes, 2);

/** The hash of this process, under keys of its own. */
export function hashCode(words: Int32Array, bytes: Uint8Array, start: number, end: number): number {
  if (end - start <= startBytes) return hashWords(words, end - start, wordKeys);
  return halfSipHash(bytes, start, end, longKeys[0]!, longKeys[1]!);
}
