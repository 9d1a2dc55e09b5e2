import { createHash, hash } from "node:crypto";
import { assert } from "../lib/assert.ts";

const hashBytes = 32;

/**
 * A SHA-256 hash, one character a byte: as a buffer it would be memory outside of V8's heap, which takes several times
 * as long to make and to collect (1.7 µs instead of 0.6 for the leaf of an event).
 */
type Hash = string;

/** The root of a growing log, kept as its compact range: one hash for each full subtree. */
export interface MerkleLog {
  /** How many leaves there are. */
  size(): number;
  /** Adds a leaf by its hash (see `hashOf`). */
  append(leaf: Hash): void;
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
  const join = (left: Hash, right: Hash): Hash => {
    pair.write(left, 1, "latin1");
    pair.write(right, 1 + hashBytes, "latin1");
    return hashOf(pair);
  };
  return {
    size: () => size,
    append(leaf) {
      assert(leaf.length === hashBytes, "a leaf is a SHA-256 hash");
      let node = leaf;
      // Each trailing one bit of the old size is a full subtree that the new leaf completes.
      for (let rest = size; rest % 2 === 1; rest = Math.floor(rest / 2)) {
        node = join(peaks.pop()!, node);
      }
      peaks.push(node);
      size += 1;
    },
    root() {
      let root = peaks.at(-1) ?? hashOf("");
      for (let at = peaks.length - 2; at >= 0; at -= 1) root = join(peaks[at]!, root);
      return Buffer.from(root, "latin1");
    },
    peaks() {
      const snapshot = Buffer.alloc(8 + peaks.length * hashBytes);
      snapshot.writeUInt32BE(Math.floor(size / 2 ** 32), 0);
      snapshot.writeUInt32BE(size % 2 ** 32, 4);
      snapshot.write(peaks.join(""), 8, "latin1");
      return snapshot;
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

/** The hash of a leaf (see `leafOf`), as the log takes it. */
export function hashOf(leaf: Uint8Array | string): Hash {
  return hash("sha256", leaf, "binary");
}

/** The same hash of bytes that were published, to keep when they are gone. */
export function leafHashOf(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(Buffer.of(0)).update(bytes).digest();
}

function restore(snapshot: Uint8Array | undefined): { size: number; peaks: Hash[] } {
  if (snapshot === undefined || snapshot.length === 0) return { size: 0, peaks: [] };
  assert(snapshot.length >= 8 && (snapshot.length - 8) % hashBytes === 0, "a Merkle snapshot is a size and hashes");
  const bytes = Buffer.from(snapshot);
  const size = Number(bytes.readBigUInt64BE(0));
  assert(Number.isSafeInteger(size), "a log has fewer than 2^53 leaves");
  const peaks: Hash[] = [];
  for (let at = 8; at < bytes.length; at += hashBytes) peaks.push(bytes.toString("latin1", at, at + hashBytes));
  let oneCount = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) oneCount += rest % 2;
  assert(peaks.length === oneCount, "a Merkle snapshot has one hash for each full subtree");
  return { size, peaks };
}
