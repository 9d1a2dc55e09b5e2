import { hash } from "node:crypto";

const mark = Buffer.from(',"previous":"');
const hashLength = 43;

/** The hash that an event gives of the one before it; undefined if it gives none. Its data may not hold the name unquoted. */
export function previousOf(bytes: Uint8Array): string | undefined {
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).lastIndexOf(mark);
  if (at === -1) return undefined;
  const start = at + mark.length;
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, Math.min(hashLength, bytes.length - start)).toString(
    "latin1",
  );
}

/** What is left of an event that is erased, 32 bytes each. */
export interface LeftHashes {
  /** SHA-256 of its bytes, to which the event behind it links. */
  readonly digest: Uint8Array;
  /** Its leaf in the Merkle log. */
  readonly leaf: Uint8Array;
  /** That of the event before it, so that one is vouched for still. */
  readonly previous: Uint8Array;
  /** SM3 of its bytes, by which the chain of the national algorithms goes on; absent where it was erased before that was kept. */
  readonly sm3?: Uint8Array;
}

const leftBytes = 32;

/** What stands in the row of an erased event instead of its bytes. */
export function packLeft({ digest, leaf, previous, sm3 }: LeftHashes): Buffer {
  return Buffer.concat([digest, leaf, previous, ...(sm3 === undefined ? [] : [sm3])]);
}

export function unpackLeft(bytes: Uint8Array): LeftHashes {
  const part = (index: number): Uint8Array => bytes.subarray(index * leftBytes, (index + 1) * leftBytes);
  const sm3 = part(3);
  return { digest: part(0), leaf: part(1), previous: part(2), ...(sm3.length === leftBytes ? { sm3 } : {}) };
}

/** Whether a row of which nothing but the bytes is known holds an erased event: no event is as short. */
export const isLeft = ({ length }: Uint8Array): boolean => length === 3 * leftBytes || length === 4 * leftBytes;

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");

/** base64url SHA-256 of the event at a place, also of one that was erased. */
export function hashAt({ kind, bytes }: { readonly kind: string; readonly bytes: Uint8Array }): string {
  return kind === "erased" ? base64url(unpackLeft(bytes).digest) : hash("sha256", bytes, "base64url");
}

/** …and the hash of the event before it; undefined if it gives none. */
export function linkAt({ kind, bytes }: { readonly kind: string; readonly bytes: Uint8Array }): string | undefined {
  return kind === "erased" ? base64url(unpackLeft(bytes).previous) : previousOf(bytes);
}
