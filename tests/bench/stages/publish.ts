import mqtt from "mqtt";
import { startForwarder } from "../../../src/forward/index.ts";
import { brokerSettings } from "../../../src/forward/settings.ts";
import { createSystemClock } from "../../../src/lib/clock.ts";
import type { SealedEvent } from "../../../src/model/event.ts";
import { startBroker, stopped, usageOf } from "../rig/processes.ts";
import { subscribe } from "../rig/subscriber.ts";
import { aDraft, type Cost, eventBytes, timed } from "./fixtures.ts";

const count = 50_000;
export const window = 256;

/** What publishing costs here, and what broker and subscriber take of the same cores for each message. */
export interface PublishCost extends Cost {
  readonly brokerMicros: number;
  /** Known where this process is nothing but the subscriber. */
  readonly subscriberMicros?: number;
}

type Publisher = (port: number, count: number) => Promise<void>;

/** Runs a publisher against a fresh broker with a subscriber of it in this process, a tenth of it to warm up. */
export async function beside(publish: Publisher): Promise<PublishCost> {
  const broker = await startBroker();
  const subscriber = await subscribe(broker.port, "#", () => {});
  await publish(broker.port, count / 10);
  const before = usageOf(broker.child.pid!).cpuSeconds;
  const cost = await timed(count, () => publish(broker.port, count));
  const brokerMicros = ((usageOf(broker.child.pid!).cpuSeconds - before) * 1e6) / count;
  subscriber.close();
  await stopped(broker.child);
  return { ...cost, brokerMicros };
}

/** MQTT.js alone, QoS 1, as many in flight as we have; what it costs includes this process's subscriber. */
export function bareMqtt(): Promise<PublishCost> {
  return beside(async (port, total) => {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5, log: () => {} });
    const bytes = Buffer.alloc(eventBytes, "x");
    await new Promise<void>((resolve) => {
      let sent = 0;
      let acknowledged = 0;
      const next = (): void => {
        sent += 1;
        client.publish("bench/read/tunnel-1", bytes, { qos: 1 }, () => {
          acknowledged += 1;
          if (acknowledged === total) resolve();
          else if (sent < total) next();
        });
      };
      for (let n = 0; n < Math.min(window, total); n += 1) next();
    });
    await client.endAsync();
  });
}

/** The forward stage over events in memory: window, topics, properties, acknowledgements. */
export function forward(): Promise<PublishCost> {
  return beside(async (port, total) => {
    const event = (sequence: number): SealedEvent => ({
      sequence,
      kind: "read",
      subject: "tunnel-1",
      bytes: Buffer.from(aDraft(sequence).data.padEnd(eventBytes)),
    });
    await new Promise<void>((resolve, reject) => {
      let handed = 0;
      let settled = 0;
      const forwarder = startForwarder({
        settings: brokerSettings.parse({ name: "bench", url: `mqtt://127.0.0.1:${port}` }),
        site: "BENCH",
        gateway: "line-1",
        chain: "0123456789ab",
        software: "bench",
        clock: createSystemClock(),
        tell: () => {},
        backlog: {
          connect: (onEvents) => ({
            want(wanted) {
              const batch: SealedEvent[] = [];
              while (batch.length < wanted && handed < total) batch.push(event(++handed));
              if (batch.length > 0) setImmediate(() => onEvents(batch));
            },
            settle(sequences) {
              settled += sequences.length;
              if (settled === total) forwarder.close(2_000).then(resolve, reject);
            },
            async written() {},
            close() {},
          }),
        },
      });
    });
  });
}
