/** What came over the wire, as far as it says nothing about a code. */
export interface Arrived {
  readonly byteCount: number;
  /** Control characters that were among the bytes, by name. */
  readonly controls: readonly string[];
  /** Bytes from 0x80 on: seldom part of a code, and many of them where the line settings do not fit. */
  readonly highCount: number;
}

const names =
  "NUL SOH STX ETX EOT ENQ ACK BEL BS TAB LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US".split(
    " ",
  );

function controlName(byte: number): string | undefined {
  return byte === 0x7f ? "DEL" : names[byte];
}

/** The control characters in some bytes, each once, in the order of their first appearance. */
export function controlNames(bytes: Iterable<number>): string[] {
  return [...new Set(bytes)].flatMap((byte) => controlName(byte) ?? []);
}

/** Counts what comes over the wire. */
export function createArrivals(): { count(bytes: Uint8Array): void; arrived(): Arrived } {
  const seen = new Set<number>();
  let byteCount = 0;
  let highCount = 0;
  return {
    count(bytes) {
      byteCount += bytes.length;
      for (const byte of bytes) {
        if (byte >= 0x80) highCount += 1;
        else if (controlName(byte) !== undefined) seen.add(byte);
      }
    },
    arrived: () => ({ byteCount, controls: controlNames(seen), highCount }),
  };
}
