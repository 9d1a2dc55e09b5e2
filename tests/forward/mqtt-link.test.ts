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

test("a message with QoS 2 ends the connection, also where something is subscribed to, for nobody asked for one", async () => {
  for (const isSubscribed of [false, true]) {
    const types: number[] = [];
    const link = await linkTo((type, _id, socket) => {
      types.push(type);
      if (type === (isSubscribed ? 8 : 3)) socket.write(message);
    });
    if (isSubscribed)
      link.subscribe(
        "t",
        () => {},
        () => {},
      );
    else void publish(link);
    const { code, message: sentence, context } = await link.ended;
    expect([code, context.qos, sentence]).toEqual([
      "broker/refused",
      2,
      expect.stringMatching(/sends a message with QoS 2, which nobody asked for$/),
    ]);
  }
});

test("a message with QoS 1 that a broker sends by itself is none of our business", async () => {
  const link = await linkTo((type, id, socket) => {
    if (type === 3) socket.write(Buffer.concat([order("orders", "none"), puback(id)]));
  });
  expect(await Promise.race([publish(link), link.ended])).toBeUndefined();
});

const topic = (text: string): Buffer => Buffer.concat([Buffer.from([0, text.length]), Buffer.from(text)]);
const packet = (first: number, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([first, body.length]), body]);
};
/** A message with QoS 1 and no properties. */
const order = (name: string, text: string): Buffer =>
  packet(0x32, topic(name), Buffer.from([0, 9, 0]), Buffer.from(text));
const suback = (id: number, code: number): Buffer => packet(0x90, Buffer.from([id >> 8, id & 0xff, 0, code]));

test("a subscription goes out behind what was published, under an identifier of its own, and gives what comes under its topic alone", async () => {
  const types: number[] = [];
  const link = await linkTo((type, id, socket) => {
    types.push(type);
    if (type === 3) socket.write(puback(id));
    if (type !== 8) return;
    // Another topic, one that only begins alike, and ours; under the identifier of our publish, which is the broker's own.
    for (const name of ["other", "orders/more"]) socket.write(order(name, "no"));
    socket.write(Buffer.concat([suback(2, 1), order("orders", "first"), order("orders", "second")]));
  });
  const published = publish(link);
  const taken: string[] = [];
  const answered = await new Promise((resolve) => {
    let code: number | undefined | "none" = "none";
    link.subscribe(
      "orders",
      (bytes) => {
        if (taken.push(Buffer.from(bytes).toString()) === 2) resolve(code);
      },
      (refusedFor) => (code = refusedFor),
    );
  });
  expect([await published, answered, taken]).toEqual([undefined, undefined, ["first", "second"]]);
  expect(types.slice(0, 2)).toEqual([3, 8]);
});

test("a subscription that is refused says why, and the link goes on", async () => {
  const link = await linkTo((type, id, socket) => socket.write(type === 8 ? suback(1, 135) : puback(id)));
  const code = await new Promise((resolve) => link.subscribe("orders", () => {}, resolve));
  expect([code, await Promise.race([publish(link), link.ended])]).toEqual([135, undefined]);
});

test("a publish that is answered as a subscription costs the broker its connection", async () => {
  const link = await linkTo((_type, _id, socket) => socket.write(suback(1, 1)));
  void publish(link);
  expect((await link.ended).message).toMatch(/answers with what does not fit what we sent/);
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
