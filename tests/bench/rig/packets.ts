/** One packet of a connection: its content is `bytes[start, end)`, valid during the call only. */
export type OnPacket = (bytes: Buffer, header: number, start: number, end: number) => void;

/** The end of a variable byte integer at `at`, or -1 if it is not whole. */
function afterVariable(bytes: Buffer, at: number): number {
  for (let next = at; next < bytes.length; next += 1) if (bytes[next]! < 0x80) return next + 1;
  return -1;
}

function variable(bytes: Buffer, at: number, end: number): number {
  let value = 0;
  for (let next = at; next < end; next += 1) value += (bytes[next]! & 0x7f) * 128 ** (next - at);
  return value;
}

/** The first byte behind the properties that begin at `at`. */
export function afterProperties(bytes: Buffer, at: number): number {
  const end = afterVariable(bytes, at);
  return end + variable(bytes, at, end);
}

/**
 * Cuts what comes over a connection into MQTT packets.
 *
 * Cost:    no object per packet; what is cut off at the end of a chunk is copied once.
 * Source:  MQTT 3.1.1 §2.2, the same in MQTT 5 §2.1.
 */
export function createPacketSplitter(onPacket: OnPacket): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (at + 1 < bytes.length) {
      const start = afterVariable(bytes, at + 1);
      if (start < 0) break;
      const end = start + variable(bytes, at + 1, start);
      if (end > bytes.length) break;
      onPacket(bytes, bytes[at]!, start, end);
      at = end;
    }
    rest = at === bytes.length ? Buffer.alloc(0) : Buffer.from(bytes.subarray(at));
  };
}
