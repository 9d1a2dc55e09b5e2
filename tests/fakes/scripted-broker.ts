import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

/** A PUBLISH as it came. */
export interface Published {
  readonly topic: string;
  readonly packetId: number;
  /** Which connection brought it, from 1. */
  readonly connection: number;
}

/** One client of the scripted broker. */
export interface ScriptedClient {
  readonly connection: number;
  /** Acknowledges with a reason code (MQTT 5 §3.4.2.1). */
  acknowledge(packetId: number, reason?: number): void;
  /** Says goodbye with a reason code and closes, both at once. */
  disconnect(reason: number): void;
  close(): void;
}

export interface Script {
  /** Called for each PUBLISH; without it every one is acknowledged. */
  published?(packet: Published, client: ScriptedClient): void;
  /** Called when a client has been let in. */
  connected?(client: ScriptedClient): void;
  /** What stands in the CONNACK as receive maximum. */
  readonly receiveMaximum?: number;
  readonly protocol?: 4 | 5;
}

export interface ScriptedBroker {
  readonly url: string;
  /** Everything that was published, statuses too. */
  readonly packets: Published[];
  /** What was asked for, on any connection; each is granted. */
  readonly subscribed: string[];
  readonly connectionCount: () => number;
  /** The most that waited for their acknowledgement at once on one connection. */
  readonly mostInFlight: () => number;
  close(): Promise<void>;
}

/** Takes whole packets out of what came so far; gives the rest. */
function takePackets(bytes: Buffer, take: (type: number, body: Buffer) => void): Buffer {
  let rest = bytes;
  for (;;) {
    let length = 0;
    let at = 1;
    for (let shift = 0; ; shift += 7, at += 1) {
      const byte = rest[at];
      if (byte === undefined) return rest;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    const end = at + 1 + length;
    if (rest.length < end) return rest;
    take(rest[0]! >> 4, rest.subarray(at + 1, end));
    rest = rest.subarray(end);
  }
}

/** A broker that speaks just enough MQTT to take QoS 1 publishes, and does what a script says. */
export async function openScriptedBroker(script: Script = {}): Promise<ScriptedBroker> {
  const { protocol = 5, receiveMaximum = 65_535 } = script;
  const sockets = new Set<Socket>();
  const packets: Published[] = [];
  const subscribed: string[] = [];
  let connectionCount = 0;
  let mostInFlight = 0;
  const connack =
    protocol === 5
      ? Buffer.from([0x20, 6, 0, 0, 3, 0x21, receiveMaximum >> 8, receiveMaximum & 0xff])
      : Buffer.from([0x20, 2, 0, 0]);

  function serve(socket: Socket): void {
    connectionCount += 1;
    const inFlight = new Set<number>();
    const client: ScriptedClient = {
      connection: connectionCount,
      acknowledge(packetId, reason = 0) {
        inFlight.delete(packetId);
        const tail = protocol === 5 ? [reason, 0] : [];
        socket.write(Buffer.from([0x40, 2 + tail.length, packetId >> 8, packetId & 0xff, ...tail]));
      },
      disconnect: (reason) => socket.end(Buffer.from([0xe0, 2, reason, 0])),
      close: () => socket.end(),
    };
    let rest: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      rest = takePackets(Buffer.concat([rest, chunk]), (type, body) => {
        if (type === 1) {
          socket.write(connack);
          script.connected?.(client);
        } else if (type === 12) socket.write(Buffer.from([0xd0, 0]));
        else if (type === 8) {
          // Behind the identifier stands, in MQTT 5, the length of no properties.
          const start = protocol === 5 ? 3 : 2;
          subscribed.push(body.toString("utf8", start + 2, start + 2 + body.readUInt16BE(start)));
          const tail = protocol === 5 ? [0, 1] : [1];
          socket.write(Buffer.from([0x90, 2 + tail.length, body[0]!, body[1]!, ...tail]));
        } else if (type === 3) {
          const topicEnd = 2 + body.readUInt16BE(0);
          const packetId = body.readUInt16BE(topicEnd);
          const packet = { topic: body.toString("utf8", 2, topicEnd), packetId, connection: client.connection };
          packets.push(packet);
          inFlight.add(packetId);
          mostInFlight = Math.max(mostInFlight, inFlight.size);
          if (script.published === undefined) client.acknowledge(packetId);
          else script.published(packet, client);
        }
      });
    });
  }

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    serve(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    packets,
    subscribed,
    connectionCount: () => connectionCount,
    mostInFlight: () => mostInFlight,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
