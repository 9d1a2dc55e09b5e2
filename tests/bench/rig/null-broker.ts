import { createServer, type Socket } from "node:net";
import { afterProperties, createPacketSplitter } from "./packets.ts";

/** A broker that costs next to nothing, so that it and a subscriber take no share of what the contender can have. */
export interface NullBroker {
  readonly port: number;
  close(): void;
}

const type = { connect: 1, publish: 3, subscribe: 8, ping: 12 } as const;
const acknowledgementBytes = 4;

/**
 * Says to a client what it wants to hear; its acknowledgements are ready at the end of each chunk and leave in one write.
 *
 * Cost:    about as many system calls as chunks; no object per message.
 * Source:  MQTT 3.1.1 §3 and MQTT 5 §3: CONNECT, PUBLISH, SUBSCRIBE, PINGREQ.
 */
function serve(socket: Socket, onPayload: (bytes: Buffer, start: number, end: number) => void): void {
  let isVersion5 = false;
  let acknowledgements = Buffer.allocUnsafe(65_536);
  let used = 0;
  const acknowledge = (high: number, low: number): void => {
    if (used === acknowledgements.length)
      acknowledgements = Buffer.concat([acknowledgements, Buffer.allocUnsafe(acknowledgements.length)]);
    acknowledgements[used] = 0x40;
    acknowledgements[used + 1] = 2;
    acknowledgements[used + 2] = high;
    acknowledgements[used + 3] = low;
    used += acknowledgementBytes;
  };
  const granted = (bytes: Buffer, start: number, end: number): Buffer => {
    const codes: number[] = [];
    let at = isVersion5 ? afterProperties(bytes, start + 2) : start + 2;
    for (; at < end; at += 2 + bytes.readUInt16BE(at) + 1) codes.push(1);
    const head = [bytes[start]!, bytes[start + 1]!, ...(isVersion5 ? [0] : [])];
    return Buffer.from([0x90, head.length + codes.length, ...head, ...codes]);
  };
  const split = createPacketSplitter((bytes, header, start, end) => {
    switch (header >> 4) {
      case type.connect:
        isVersion5 = bytes[start + 2 + bytes.readUInt16BE(start)] === 5;
        socket.write(Buffer.from(isVersion5 ? [0x20, 3, 0, 0, 0] : [0x20, 2, 0, 0]));
        break;
      case type.publish: {
        let at = start + 2 + bytes.readUInt16BE(start);
        if ((header & 0b110) !== 0) {
          acknowledge(bytes[at]!, bytes[at + 1]!);
          at += 2;
        }
        onPayload(bytes, isVersion5 ? afterProperties(bytes, at) : at, end);
        break;
      }
      case type.subscribe:
        socket.write(granted(bytes, start, end));
        break;
      case type.ping:
        socket.write(Buffer.from([0xd0, 0]));
    }
  });
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    split(chunk);
    if (used === 0) return;
    // The socket keeps what it cannot send at once: it must not be written over.
    socket.write(Buffer.from(acknowledgements.subarray(0, used)));
    used = 0;
  });
}

/** Hands out each payload as `bytes[start, end)`, valid during the call only. Forgets it, and passes it on to nobody. */
export function openNullBroker(onPayload: (bytes: Buffer, start: number, end: number) => void): Promise<NullBroker> {
  return new Promise((resolve, reject) => {
    const sockets = new Set<Socket>();
    const server = createServer({ noDelay: true }, (socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      serve(socket, onPayload);
    });
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve({
        port: typeof address === "object" && address !== null ? address.port : 0,
        close() {
          for (const socket of sockets) socket.destroy();
          server.close();
        },
      });
    });
  });
}
