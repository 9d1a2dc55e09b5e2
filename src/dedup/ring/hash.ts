import { randomBytes } from "node:crypto";
import { recordBytes } from "./codes.ts";

/** Codes up to here are hashed by their words: a waybill of 15 characters, an EPC-96 of 24 hex digits. */
const shortBytesMax = 32;
/** The words of one. */
export const wordsMax: number = shortBytesMax / 4;
/** Zeroes stand behind a shorter code up to here. */
const wordsMin = recordBytes / 4;

/** A 32-bit hash of the code `bytes[start, end)`, whose start stands in `words`. Equal codes hash alike. */
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
 * Loads the start of a code into words and gives its NH, over halves of 16 bits: two codes of up to 32 bytes collide
 * under one key in 65,536, whichever they are.
 *
 * Both in one loop, and a terse one: a function that is too large to be inlined costs a read 20 ns.
 *
 * Source: Black et al., "UMAC: Fast and Secure Message Authentication" (1999), section 3; then MurmurHash3's mixer,
 * a permutation, because the table uses some bits only.
 */
export function hashWords(words: Int32Array, bytes: Uint8Array, start: number, end: number, keys: Int32Array): number {
  let sum = imul(end - start, 0x9e3779b1);
  let place = 0;
  for (let at = start; at < end; at += 4) {
    let word = 0;
    if (at + 4 <= end) word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    else for (let last = end - 1; last >= at; last--) word = (word << 8) | bytes[last]!;
    const key = keys[place]!;
    sum = (sum + imul(lowHalf(word + key), lowHalf((word >>> 16) + (key >>> 16)))) | 0;
    words[place] = word;
    place += 1;
  }
  for (; place < wordsMin; place += 1) words[place] = 0;
  sum = mix(mix(sum, 16, 0x85ebca6b), 13, 0xc2b2ae35);
  return sum ^ (sum >>> 16);
}

const { imul } = Math;

function lowHalf(word: number): number {
  return word & 0xffff;
}

function mix(sum: number, shift: number, factor: number): number {
  return imul(sum ^ (sum >>> shift), factor);
}

/** Drawn at random when the module is loaded, so that nobody can print labels that collide. */
const keyBytes = Uint8Array.from(randomBytes(shortBytesMax + 8));
const wordKeys = new Int32Array(keyBytes.buffer, 0, shortBytesMax / 4);
const longKeys = new Int32Array(keyBytes.buffer, shortBytesMax, 2);

/** Loads the start of a code into `words` and gives its hash under the keys of this process. */
export function hashCode(words: Int32Array, bytes: Uint8Array, start: number, end: number): number {
  return end - start <= shortBytesMax
    ? hashWords(words, bytes, start, end, wordKeys)
    : hashLong(words, bytes, start, end);
}

function hashLong(words: Int32Array, bytes: Uint8Array, start: number, end: number): number {
  hashWords(words, bytes, start, start + shortBytesMax, wordKeys);
  return halfSipHash(bytes, start, end, longKeys[0]!, longKeys[1]!);
}
