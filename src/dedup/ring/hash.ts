import { randomBytes } from "node:crypto";
import { recordBytes, wordAt } from "./codes.ts";

/** Codes up to here are hashed by their words: a waybill of 15 characters, an EPC-96 of 24 hex digits. */
export const shortBytesMax = 32;
/** Shorter ones are no multiple of words. */
export const wholeBytesMin = 8;
/** The words of one: four that stand in the record of its pass, four that only a code of more than 16 bytes has. */
export const wordsMax: number = shortBytesMax / 4;
const recordWords = recordBytes / 4;

/** What makes hashes unforeseeable, so that nobody can print labels that collide. */
export interface HashKeys {
  /** Two for each word. */
  readonly pairs: Int32Array;
  /** An odd number; zero makes all codes collide, for tests. */
  readonly factor: number;
  readonly sip: Int32Array;
}

/** Keys drawn at random. */
export function drawKeys(): HashKeys {
  const drawn = new Int32Array(Uint8Array.from(randomBytes(8 * wordsMax + 12)).buffer);
  const [factor = 0, ...sip] = drawn.subarray(2 * wordsMax);
  return { pairs: drawn.subarray(0, 2 * wordsMax), factor: factor | 1, sip: Int32Array.from(sip) };
}

/**
 * Loads the words of the code `bytes[start, end)`: its first eight bytes and its last eight, which overlap in a code of
 * less than 16, then the eight inside of each. With the length they tell a code of up to `shortBytesMax` wholly.
 */
export function loadWords(words: Int32Array, bytes: Uint8Array, start: number, end: number): void {
  const length = end - start;
  if (length < wholeBytesMin) {
    words.fill(0);
    for (let n = 0; n < length; n++) words[n >> 2] = words[n >> 2]! | (bytes[start + n]! << ((n & 3) << 3));
    return;
  }
  words[0] = wordAt(bytes, start);
  words[1] = wordAt(bytes, start + 4);
  words[2] = wordAt(bytes, end - 8);
  words[3] = wordAt(bytes, end - 4);
  if (length <= recordBytes) return;
  words[4] = wordAt(bytes, start + 8);
  words[5] = wordAt(bytes, start + 12);
  words[6] = wordAt(bytes, end - 16);
  words[7] = wordAt(bytes, end - 12);
}

/**
 * The hash of a code whose words were loaded. Equal codes hash alike; `admit.ts` spells the same out in one piece.
 *
 * Pair-multiply: two codes of up to 32 bytes collide under one key in 131,072, whichever they are: words that differ,
 * differ in their high half or else by less than 2^16, and so one of the two keys is multiplied by a number with
 * fifteen zeroes at its end at most. Longer codes by HalfSipHash.
 *
 * Source: Thorup, "High Speed Hashing for Integers and Strings" (2015), section 3.5.
 */
export function hashCode(keys: HashKeys, words: Int32Array, bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length > shortBytesMax) return mixed(halfSipHash(bytes, start, end, keys.sip[0]!, keys.sip[1]!), keys.factor);
  return hashWords(keys, words, 0, length <= recordBytes ? recordWords : wordsMax, length);
}

/** The hash of a code of up to `recordBytes` whose words stand at `at`. */
export function hashRecord(keys: HashKeys, ints: Int32Array, at: number, length: number): number {
  return hashWords(keys, ints, at, recordWords, length);
}

function hashWords(keys: HashKeys, words: Int32Array, at: number, count: number, length: number): number {
  let sum = length;
  for (let n = 0; n < count; n++) {
    const word = words[at + n]!;
    // An integer at each step: a sum that outgrows one is a float, and boxed where it is handed on.
    sum = (sum + Math.imul(keys.pairs[2 * n]! + word, keys.pairs[2 * n + 1]! + (word >>> 16))) | 0;
  }
  return mixed(sum, keys.factor);
}

/** Lets all bits of a sum tell on the high ones, which choose a place; a permutation, so that it adds no collisions. */
function mixed(sum: number, factor: number): number {
  return Math.imul(sum ^ (sum >>> 16), factor);
}

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
