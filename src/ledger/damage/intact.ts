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

/** Of an erased event its row holds the SHA-256 of its bytes, and behind it the hash of its leaf in the Merkle log. */
export const digestBytes = 32;

/** base64url SHA-256 of the event at a place, also of one that was erased. */
export function hashAt({ kind, bytes }: { readonly kind: string; readonly bytes: Uint8Array }): string {
  if (kind !== "erased") return hash("sha256", bytes, "base64url");
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(digestBytes, bytes.length)).toString("base64url");
}

/** The hash of the event before this one; undefined if that is not known. */
export function linkAt({ kind, bytes }: { readonly kind: string; readonly bytes: Uint8Array }): string | undefined {
  return kind === "erased" ? undefined : previousOf(bytes);
}
