import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import type { MqttLink } from "../../src/forward/index.ts";
import { openMqttLink } from "../../src/forward/mqtt-link.ts";
import { brokerSettings } from "../../src/forward/settings.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const connack = Buffer.from([0x20, 3, 0, 0, 0]);
const pingresp = Buffer.from([0xd0, 0]);
const puback = (id: number): Buffer => Buffer.from([0x40, 2, id >> 8, id & 0xff]);
/** A message with QoS 2 under the broker's own packet identifier 1. */
const message = Buffer.from([0x34, 6, 0, 1, 0x74, 0, 1, 0]);
const pubrel = Buffer.from([0x62, 2, 0, 1]);
const pubrec = Buffer.from([0x50, 2, 0, 1]);

/** A broker that hands each packet to a script: its type, its packet identifier if it is a PUBLISH, and whom to answer. */
async function linkTo(
  script: (type: number, id: number, socket: Socket) => void,
  keepaliveSeconds = 30,
): Promise<MqttLink> {
  const server = createServer((socket) => {
    let rest: Buffer = Buffer.alloc(0);
    socket.on("error", () => {});
    cleanups.push(() => socket.destroy());
    socket.on("data", (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      // Packets here are shorter than 128 bytes: their length is one byte.
      while (rest.length >= 2 && rest.length >= 2 + rest[1]!) {
        const packet = rest.subarray(0, 2 + rest[1]!);
        rest = rest.subarray(packet.length);
        const type = packet[0]! >> 4;
        const id = type === 3 ? packet.readUInt16BE(4 + packet.readUInt16BE(2)) : 0;
        if (type === 1) socket.write(connack);
        else script(type, id, socket);
      }
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => server.close());
  const { port } = server.address() as { port: number };
  const settings = brokerSettings.parse({
    name: "central",
    url: `mqtt://127.0.0.1:${port}`,
    keepalive_s: keepaliveSeconds,
  });
  const will = { topic: "will", bytes: Buffer.from("{}") };
  const link = await openMqttLink({
    settings,
    protocol: 5,
    clientId: "link",
    will,
    signal: new AbortController().signal,
  });
  cleanups.push(() => link.leave());
  return link;
}

const publish = (link: MqttLink): Promise<number | undefined> =>
  new Promise((resolve) => link.publish({ topic: "t", bytes: Buffer.from("{}") }, resolve));

test("a broker that takes longer than half a keepalive, and acknowledges all the while, is there", async () => {
  const link = await linkTo((type, id, socket) => {
    const answer = type === 3 ? puback(id) : pingresp;
    // The time is what is tested: more than half a keepalive, of which five seconds are the shortest.
    setTimeout(() => socket.write(answer), 3_000);
  }, 5);
  const acknowledged: Promise<number | undefined>[] = [];
  await new Promise<void>((resolve) => {
    // Published all the while, for longer than one keepalive and a half.
    const timer = setInterval(() => {
      if (acknowledged.push(publish(link)) < 80) return;
      clearInterval(timer);
      resolve();
    }, 100);
  });
  expect(await Promise.race([Promise.all(acknowledged), link.ended])).toEqual(Array(80).fill(undefined));
}, 30_000);

test("a message that the broker sends by itself is none of our business, whatever its packet identifier", async () => {
  let answered: (type: number) => void = () => {};
  const completed = new Promise<void>((resolve) => (answered = (type) => type === 7 && resolve()));
  const link = await linkTo((type, _id, socket) => {
    // The broker's message stands under the identifier of our publish, which waits.
    if (type === 3) socket.write(message);
    if (type === 5) socket.write(pubrel);
    if (type === 7) socket.write(puback(1));
    answered(type);
  });
  const taken = publish(link);
  await completed;
  expect(await Promise.race([taken, link.ended])).toBeUndefined();
});

test("a broker that answers as if we had asked for QoS 2 costs its connection, and the reason is told", async () => {
  const link = await linkTo((_type, _id, socket) => socket.write(pubrec));
  void publish(link);
  const reason = await link.ended;
  expect([reason.code, reason.message]).toEqual([
    "broker/refused",
    expect.stringMatching(/answers QoS 1 as if it was QoS 2/),
  ]);
});
