import { createServer, type Server, type Socket } from "node:net";
import { Aedes } from "aedes";
import { connectAsync, type MqttClient } from "mqtt";

/** A broker for one run, in this process, on a free port of the loopback address. It speaks MQTT 3.1.1. */
export interface EmbeddedBroker {
  readonly url: string;
  close(): Promise<void>;
}

/** Opens the broker; everybody on this machine may connect to it. */
export async function openBroker(): Promise<EmbeddedBroker> {
  const broker = await Aedes.createBroker();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.once("close", () => sockets.delete(socket));
    broker.handle(socket);
  });
  const port = await listen(server);
  return {
    url: `mqtt://127.0.0.1:${port}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await new Promise<void>((resolve) => broker.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") reject(new Error("The embedded broker has no port"));
      else resolve(address.port);
    });
  });
}

/** A message as the subscriber received it. */
export type Receive = (topic: string, payload: Buffer) => void;

export interface Subscriber {
  /** Resolves when everything that the broker had before this call has been received. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** Subscribes with QoS 1 to everything below a topic, and is subscribed when it resolves. */
export async function openSubscriber(url: string, topic: string, receive: Receive): Promise<Subscriber> {
  const client: MqttClient = await connectAsync(url, { protocolVersion: 4, reconnectPeriod: 0, connectTimeout: 5_000 });
  const barriers = new Map<string, () => void>();
  let barrierCount = 0;
  // The end of the connection is told by what is missing; without a listener it would end the process.
  client.on("error", () => {});
  client.on("message", (from, payload) => {
    const barrier = barriers.get(from);
    if (barrier === undefined) receive(from, payload);
    else barrier();
  });
  await client.subscribeAsync([`${topic}/#`, "barrier/+"], { qos: 1 });
  return {
    async settled() {
      barrierCount += 1;
      const name = `barrier/${barrierCount}`;
      const passed = new Promise<void>((resolve) => barriers.set(name, resolve));
      client.publish(name, "", { qos: 1 });
      await passed;
    },
    close: () => client.endAsync(true),
  };
}
