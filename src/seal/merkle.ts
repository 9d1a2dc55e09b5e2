import { hash } from "node:crypto";
import { assert } from "../lib/assert.ts";

const hashBytes = 32;

/** The root of a growing log, kept as its compact range: one hash for each full subtree. */
export interface MerkleLog {
  /** How many leaves there are. */
  size(): number;
  /** Adds a leaf by its hash (see `leafOf`). */
  append(leaf: Uint8Array): void;
  /** The root over all leaves so far. */
  root(): Buffer;
  /** All that must be kept to go on later: size (8 bytes, big-endian), then the hashes from the largest subtree on. */
  peaks(): Uint8Array;
}

/**
 * A Merkle log that goes on from a snapshot.
 *
 * Takes:   what `peaks()` gave, or nothing for an empty log.
 * Cost:    O(1) per leaf on average, O(log n) for root and snapshot; holds at most 53 hashes.
 * Fails:   throws if the snapshot is not one.
 * Source:  RFC 9162 §2.1.1.
 */
export function createMerkleLog(snapshot?: Uint8Array): MerkleLog {
  let { size, peaks } = restore(snapshot);
  const pair = Buffer.alloc(1 + 2 * hashBytes, 1);
  const join = (left: Uint8Array, right: Uint8Array): Buffer => {
    pair.set(left, 1);
    pair.set(right, 1 + hashBytes);
    return hash("sha256", pair, "buffer");
  };
  return {
    size: () => size,
    append(leaf) {
      assert(leaf.length === hashBytes, "a leaf is a SHA-256 hash");
      let node: Uint8Array = leaf;
      // Each trailing one bit of the old size is a full subtree that the new leaf completes.
      for (let rest = size; rest % 2 === 1; rest = Math.floor(rest / 2)) {
        node = join(peaks.pop() as Uint8Array, node);
      }
      peaks.push(node);
      size += 1;
    },
    root() {
      const last = peaks.at(-1);
      if (last === undefined) return hash("sha256", "", "buffer");
      let root: Uint8Array = last;
      for (let at = peaks.length - 2; at >= 0; at -= 1) root = join(peaks[at] as Uint8Array, root);
      return Buffer.from(root);
    },
    peaks() {
      const head = Buffer.alloc(8);
      head.writeBigUInt64BE(BigInt(size));
      return Buffer.concat([head, ...peaks]);
    },
  };
}

/** A text as a leaf: the zero that keeps a leaf from passing for a node, then its bytes. SHA-256 of it is the leaf's hash. */
export function leafOf(text: string): Buffer {
  const leaf = Buffer.allocUnsafe(1 + Buffer.byteLength(text));
  leaf[0] = 0;
  leaf.write(text, 1);
  return leaf;
}

function restore(snapshot: Uint8Array | undefined): { size: number; peaks: Uint8Array[] } {
  if (snapshot === undefined || snapshot.length === 0) return { size: 0, peaks: [] };
  assert(snapshot.length >= 8 && (snapshot.length - 8) % hashBytes === 0, "a Merkle snapshot is a size and hashes");
  const bytes = Buffer.from(snapshot);
  const size = Number(bytes.readBigUInt64BE(0));
  assert(Number.isSafeInteger(size), "a log has fewer than 2^53 leaves");
  const peaks: Uint8Array[] = [];
  for (let at = 8; at < bytes.length; at += hashBytes) peaks.push(bytes.subarray(at, at + hashBytes));
  let oneCount = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) oneCount += rest % 2;
  assert(peaks.length === oneCount, "a Merkle snapshot has one hash for each full subtree");
  return { size, peaks };
}
