import { createHash } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { Aedes } from "aedes";

/** A broker that remembers every event before it acknowledges it, and can be taken away. */
export interface Sink {
  readonly port: number;
  /** Sequence → SHA-256 of the bytes. */
  readonly events: ReadonlyMap<number, string>;
  /** Code → sequence of its event. */
  readonly parcels: ReadonlyMap<string, number>;
  /** Events that came more than once, and those of them with other bytes than before. */
  readonly counts: { repeated: number; altered: number; doubledParcels: number };
  /** Closes all connections and takes no new ones until the returned function is called. */
  leave(): Promise<() => Promise<void>>;
  /** Reads nothing until the returned function is called: there, but silent. */
  freeze(): () => void;
  close(): Promise<void>;
}

interface Event {
  readonly sequence: string;
  readonly type: string;
  readonly data: { readonly code?: string };
}

export async function openSink(): Promise<Sink> {
  const broker = await Aedes.createBroker({ concurrency: 1_000 });
  const sockets = new Set<Socket>();
  const events = new Map<number, string>();
  const parcels = new Map<string, number>();
  const counts = { repeated: 0, altered: 0, doubledParcels: 0 };
  let port = 0;
  let server: Server;

  const record = (payload: Buffer): void => {
    const { sequence, type, data } = JSON.parse(payload.toString("utf8")) as Event;
    const number = Number(sequence);
    const digest = createHash("sha256").update(payload).digest("base64url");
    const known = events.get(number);
    if (known !== undefined) {
      counts.repeated += 1;
      if (known !== digest) counts.altered += 1;
      return;
    }
    events.set(number, digest);
    if (type !== "org.sortgate.read.v1" || data.code === undefined) return;
    if (parcels.has(data.code)) counts.doubledParcels += 1;
    parcels.set(data.code, number);
  };
  broker.authorizePublish = (_client, packet, done) => {
    if (!packet.topic.startsWith("$SYS") && !packet.topic.endsWith("/status")) record(packet.payload as Buffer);
    done(null);
  };
  const listen = (): Promise<void> =>
    new Promise((resolve, reject) => {
      server = createServer((socket) => {
        sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => sockets.delete(socket));
        broker.handle(socket);
      });
      server.once("error", reject);
      server.listen(port, "127.0.0.1", () => {
        const address = server.address();
        port = typeof address === "object" && address !== null ? address.port : 0;
        resolve();
      });
    });
  const leave = (): Promise<() => Promise<void>> =>
    new Promise((resolve) => {
      server.close(() => resolve(listen));
      for (const socket of sockets) socket.destroy();
    });
  await listen();
  return {
    get port() {
      return port;
    },
    events,
    parcels,
    counts,
    leave,
    freeze() {
      const frozen = [...sockets];
      for (const socket of frozen) socket.pause();
      return () => {
        for (const socket of frozen) socket.resume();
      };
    },
    async close() {
      await leave();
      await new Promise<void>((resolve) => broker.close(() => resolve()));
    },
  };
}
