import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createMerkleLog, leafOf } from "../../src/seal/merkle.ts";

function sha256(...parts: Uint8Array[]): Buffer {
  const digest = createHash("sha256");
  for (const part of parts) digest.update(part);
  return digest.digest();
}

function leafHash(bytes: Uint8Array): string {
  return sha256(Buffer.from([0]), bytes).toString("latin1");
}

/** RFC 9162 §2.1.1, word by word. */
function naiveRoot(leaves: readonly Uint8Array[]): Buffer {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return sha256(Buffer.from([0]), leaves[0] as Uint8Array);
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return sha256(Buffer.from([1]), naiveRoot(leaves.slice(0, split)), naiveRoot(leaves.slice(split)));
}

describe("the Merkle log", () => {
  test("of nothing has the root of RFC 9162 §2.1.1", () => {
    expect(createMerkleLog().root().toString("hex")).toBe(
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    );
  });

  test("has the recursive definition's root at every size", () => {
    const log = createMerkleLog();
    const leaves: Buffer[] = [];
    for (let size = 0; size <= 130; size += 1) {
      expect(log.root()).toEqual(naiveRoot(leaves));
      leaves.push(Buffer.from(`leaf ${size}`));
      log.append(leafHash(leaves[size] as Buffer));
    }
  });

  test("goes on from a snapshot as if it had never stopped", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 70 }), fc.nat(70), (leaves, stop) => {
        let log = createMerkleLog();
        for (const [index, leaf] of leaves.entries()) {
          if (index === stop) log = createMerkleLog(log.peaks());
          log.append(leafHash(leaf));
        }
        expect(log.size()).toBe(leaves.length);
        expect(log.root()).toEqual(naiveRoot(leaves));
      }),
    );
  });

  test("puts a zero before the bytes of a leaf", () => {
    expect(leafOf("隧")).toEqual(Buffer.from("00e99aa7", "hex"));
  });

  test("refuses a snapshot that lacks a hash", () => {
    const log = createMerkleLog();
    for (let size = 0; size < 7; size += 1) log.append(leafHash(Buffer.from([size])));
    expect(() => createMerkleLog(log.peaks().subarray(0, -32))).toThrow();
    expect(() => createMerkleLog(log.peaks().subarray(0, -1))).toThrow();
  });
});
