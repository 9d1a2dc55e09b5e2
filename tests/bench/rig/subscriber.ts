import { connect, type Socket } from "node:net";
import { createPacketSplitter } from "./packets.ts";

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
 * Source: MQTT 3.1.1 §3.3 (PUBLISH).
 */
export function subscribe(
  port: number,
  topic: string,
  onMessage: (bytes: Buffer, start: number, end: number) => void,
): Promise<Subscriber> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const split = createPacketSplitter((bytes, header, start, end) => {
      const type = header >> 4;
      if (type === 2) socket.write(subscribePacket(topic));
      else if (type === 9) resolve({ close: () => socket.destroy() });
      else if (type === 3) onMessage(bytes, start + 2 + bytes.readUInt16BE(start), end);
    });
    socket.once("error", reject);
    socket.on("connect", () => socket.write(connectPacket));
    socket.on("data", split);
  });
}
