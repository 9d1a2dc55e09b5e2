import { connect, type Socket } from "node:net";

/** A subscriber that costs the machine as little as can be: raw MQTT 3.1.1, QoS 0, no object per message. */
export interface Subscriber {
  close(): void;
}

const connectPacket = Buffer.from([0x10, 0x10, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 0, 0, 4, 0x62, 0x6e, 0x63, 0x68]);

function subscribePacket(topic: string): Buffer {
  const name = Buffer.from(topic);
  const head = Buffer.from([0x82, name.length + 5, 0, 1, name.length >> 8, name.length & 0xff]);
  return Buffer.concat([head, name, Buffer.from([0])]);
}

/**
 * Subscribes and hands out each payload as `bytes[start, end)`, valid during the call only.
 *
 * Source: MQTT 3.1.1 §2.2 (fixed header) and §3.3 (PUBLISH).
 */
export function subscribe(
  port: number,
  topic: string,
  onMessage: (bytes: Buffer, start: number, end: number) => void,
): Promise<Subscriber> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ port, host: "127.0.0.1", noDelay: true });
    let rest: Buffer = Buffer.alloc(0);
    const packet = (bytes: Buffer, header: number, start: number, end: number): void => {
      const type = header >> 4;
      if (type === 2) socket.write(subscribePacket(topic));
      else if (type === 9) resolve({ close: () => socket.destroy() });
      else if (type === 3) onMessage(bytes, start + 2 + bytes.readUInt16BE(start), end);
    };
    socket.once("error", reject);
    socket.on("connect", () => socket.write(connectPacket));
    socket.on("data", (chunk) => {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let at = 0;
      for (;;) {
        let length = 0;
        let shift = 0;
        let next = at + 1;
        let isWhole = false;
        while (next < bytes.length && !isWhole) {
          const byte = bytes[next]!;
          length |= (byte & 0x7f) << shift;
          shift += 7;
          next += 1;
          isWhole = byte < 0x80;
        }
        if (!isWhole || next + length > bytes.length) break;
        packet(bytes, bytes[at]!, next, next + length);
        at = next + length;
      }
      rest = at === bytes.length ? Buffer.alloc(0) : Buffer.from(bytes.subarray(at));
    });
  });
}
