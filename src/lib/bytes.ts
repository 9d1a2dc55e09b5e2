/**
 * The text of bytes, one character a byte.
 *
 * Codes are latin1 throughout, so that GS (0x1D) and bytes from 0x80 on survive unchanged.
 */
export function latin1(bytes: Uint8Array, start = 0, end: number = bytes.length): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1", start, end);
}

/** The bytes of a latin1 text. */
export function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

/** Upper-case hex, as EPCs are written. */
export function hexUpper(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex").toUpperCase();
}
