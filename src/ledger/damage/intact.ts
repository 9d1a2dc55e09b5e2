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
