import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions, type Server as TlsServer } from "node:tls";
import mqttPacket, { type IConnectPacket, type IPublishPacket, type Packet } from "mqtt-packet";

/** What the broker does; may be changed at any time and holds for what comes next. */
export interface Script {
  /** The answer to CONNECT: a reason code (0 lets in), or none at all. */
  connack?: number | "silent";
  /** What becomes of the nth event of a connection, counted from 1: acknowledged, forgotten, or the line is cut. */
  answer?: (event: BrokerEvent) => "ack" | "drop" | "cut";
  /** Properties of CONNACK. */
  properties?: NonNullable<IConnackProperties>;
  /** Another answer than PUBACK to each event: a reason code of MQTT 5. */
  reasonCode?: number;
}

type IConnackProperties = Extract<Packet, { cmd: "connack" }>["properties"];

/** An event as it came over the wire. */
export interface BrokerEvent {
  /** Which connection it came by, counted from 1. */
  readonly connection: number;
  /** Its number within the connection, counted from 1. */
  readonly number: number;
  readonly topic: string;
  readonly bytes: Buffer;
  readonly sequence: number;
  readonly isDuplicate: boolean;
  readonly atMs: number;
  /** Whether its PUBACK was sent. */
  isAcknowledged: boolean;
}

export interface ScriptedBroker {
  readonly port: number;
  readonly url: string;
  script: Script;
  readonly events: readonly BrokerEvent[];
  readonly connectionCount: number;
  /** Called for each event, before it is answered. */
  onEvent: (event: BrokerEvent) => void;
  /** Called for each connection, once it is made (and its TLS too). */
  onConnection: (socket: Socket) => void;
  /** Shows other certificates from now on, to new connections; only for a broker with TLS. */
  useTls(tls: TlsOptions): void;
  /** Each distinct event by its sequence; throws if one sequence came with two contents. */
  distinct(): Map<number, Buffer>;
  /** Codes of the read events, each once, in order of arrival. */
  codes(): Set<string>;
  /** Cuts all connections at once. */
  cut(): void;
  close(): Promise<void>;
}

export interface ScriptedBrokerOptions {
  readonly script?: Script;
  readonly host?: string;
  readonly port?: number;
  readonly tls?: TlsOptions;
}

/** A broker of MQTT 3.1.1 and 5 that does what a script says, also what no broker should. It keeps what it was sent. */
export async function openScriptedBroker(options: ScriptedBrokerOptions = {}): Promise<ScriptedBroker> {
  const { host = "127.0.0.1", tls } = options;
  const events: BrokerEvent[] = [];
  const sockets = new Set<Socket>();
  let connectionCount = 0;
  const serve = (socket: Socket): void => {
    connectionCount += 1;
    broker.onConnection(socket);
    serveConnection(socket, connectionCount, broker, events);
  };
  const server: Server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve);
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(options.port ?? 0, host);
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const broker: ScriptedBroker = {
    port,
    url: `${tls === undefined ? "mqtt" : "mqtts"}://${host}:${port}`,
    script: options.script ?? {},
    events,
    get connectionCount() {
      return connectionCount;
    },
    onEvent: () => {},
    onConnection: () => {},
    useTls: (next) => (server as TlsServer).setSecureContext(next),
    distinct: () => distinctOf(events),
    codes: () => codesOf(events),
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    async close() {
      broker.cut();
      server.close();
      await once(server, "close");
    },
  };
  return broker;
}

function serveConnection(socket: Socket, connection: number, broker: ScriptedBroker, events: BrokerEvent[]): void {
  const parser = mqttPacket.parser();
  let protocolVersion = 4;
  let number = 0;
  const send = (packet: Packet): void => {
    if (socket.writable) socket.write(mqttPacket.generate(packet, { protocolVersion }));
  };
  const connect = (packet: IConnectPacket): void => {
    protocolVersion = packet.protocolVersion ?? 4;
    const { connack = 0, properties } = broker.script;
    if (connack === "silent") return;
    const code = protocolVersion === 5 ? { reasonCode: connack } : { returnCode: connack };
    send({ cmd: "connack", sessionPresent: false, ...code, ...(properties === undefined ? {} : { properties }) });
    if (connack !== 0) socket.end();
  };
  const publish = (packet: IPublishPacket): void => {
    const { reasonCode = 0, answer } = broker.script;
    const ack = (): void => send({ cmd: "puback", messageId: packet.messageId!, reasonCode });
    if (packet.topic.endsWith("/status")) {
      ack();
      return;
    }
    number += 1;
    const bytes = Buffer.from(packet.payload);
    const event: BrokerEvent = {
      connection,
      number,
      topic: packet.topic,
      bytes,
      sequence: Number(/"sequence":"(\d+)"/.exec(bytes.toString("latin1"))?.[1]),
      isDuplicate: packet.dup,
      atMs: performance.now(),
      isAcknowledged: false,
    };
    events.push(event);
    broker.onEvent(event);
    const what = answer?.(event) ?? "ack";
    if (what === "cut") socket.destroy();
    else if (what === "ack") {
      event.isAcknowledged = reasonCode < 128;
      ack();
    }
  };
  parser.on("packet", (packet: Packet) => {
    if (packet.cmd === "connect") connect(packet);
    else if (packet.cmd === "publish") publish(packet);
    else if (packet.cmd === "pingreq") send({ cmd: "pingresp" });
    else if (packet.cmd === "disconnect") socket.end();
  });
  parser.on("error", () => socket.destroy());
  socket.on("data", (chunk: Buffer) => parser.parse(chunk));
  socket.on("error", () => socket.destroy());
}

function distinctOf(events: readonly BrokerEvent[]): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (const { sequence, bytes } of events) {
    const before = found.get(sequence);
    if (before !== undefined && !before.equals(bytes)) throw new Error(`event ${sequence} came with two contents`);
    found.set(sequence, bytes);
  }
  return found;
}

function codesOf(events: readonly BrokerEvent[]): Set<string> {
  return new Set(
    events
      .filter(({ topic }) => topic.includes("/read/"))
      .map(({ bytes }) => (JSON.parse(bytes.toString()) as { data: { code?: string } }).data.code ?? ""),
  );
}
