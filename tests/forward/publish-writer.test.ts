import { hash } from "node:crypto";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import fc from "fast-check";
import { type IPublishPacket, type Packet, parser } from "mqtt-packet";
import { expect, test } from "vitest";
import type { Message } from "../../src/forward/index.ts";
import { createPublishWriter } from "../../src/forward/publish-writer.ts";

interface Sent {
  readonly id: number;
  readonly message: Message;
  readonly isRetained: boolean;
}

/** What was published in this turn of the event loop has gone to the stream. */
const endOfTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What the codec of MQTT.js and aedes reads of what was written. */
async function readBack(protocol: 4 | 5, turns: readonly (readonly Sent[])[]): Promise<IPublishPacket[]> {
  const wire = new PassThrough({ highWaterMark: 2 ** 30 });
  const read = parser({ protocolVersion: protocol });
  const packets: IPublishPacket[] = [];
  read.on("packet", (packet) => packets.push(packet as IPublishPacket));
  read.on("error", (error) => expect.unreachable(String(error)));
  // As a socket does: what was written is copied before it is called written.
  wire.on("data", (bytes: Buffer) => read.parse(Buffer.from(bytes)));
  const writer = createPublishWriter(wire, protocol);
  for (const turn of turns) {
    for (const { id, message, isRetained } of turn) writer.publish(id, message, isRetained);
    await endOfTurn();
  }
  wire.end();
  await once(wire, "end");
  return packets;
}

/** Instead of the bytes, which would fill the screen. */
function digest(bytes: Uint8Array): string {
  return `${bytes.length} bytes, ${hash("sha256", bytes)}`;
}

function expected({ id, message, isRetained }: Sent, protocol: 4 | 5): unknown {
  const { contentType, userProperties, topic, bytes } = message;
  return {
    messageId: id,
    retain: isRetained,
    topic,
    payload: digest(bytes),
    qos: 1,
    dup: false,
    contentType: protocol === 5 ? contentType : undefined,
    userProperties: protocol === 5 && Object.keys(userProperties ?? {}).length > 0 ? userProperties : undefined,
  };
}

function shown({ messageId, retain, topic, payload, qos, dup, properties }: IPublishPacket): unknown {
  return {
    messageId,
    retain,
    topic,
    payload: digest(Buffer.from(payload)),
    qos,
    dup,
    contentType: properties?.contentType,
    userProperties: properties?.userProperties === undefined ? undefined : { ...properties.userProperties },
  };
}

const words = fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 });
const anySent: fc.Arbitrary<Sent> = fc.record({
  id: fc.integer({ min: 1, max: 65_535 }),
  isRetained: fc.boolean(),
  message: fc.record(
    {
      topic: words,
      // The last is beyond a slab.
      bytes: fc
        .oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 20_000 }), fc.constant(70_000))
        .map((byteCount) => new Uint8Array(byteCount).fill(byteCount)),
      contentType: words,
      userProperties: fc.dictionary(
        words.filter((name) => name !== "__proto__"),
        words,
        { maxKeys: 3 },
      ),
    },
    { requiredKeys: ["topic", "bytes"] },
  ) as fc.Arbitrary<Message>,
});

for (const protocol of [4, 5] as const) {
  test(`another codec reads back what was published with MQTT ${protocol}, in order`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(anySent, { maxLength: 12 }), { maxLength: 4 }), async (turns) => {
        const packets = await readBack(protocol, turns);
        expect(packets.map(shown)).toEqual(turns.flat().map((sent) => expected(sent, protocol)));
      }),
      { numRuns: 150 },
    );
  });
}

test.each([4, 5] as const)(
  "another codec reads back a subscription with MQTT %i, among publishes",
  async (protocol) => {
    const wire = new PassThrough();
    const packets: Packet[] = [];
    const read = parser({ protocolVersion: protocol });
    read.on("packet", (packet) => packets.push(packet));
    read.on("error", (error) => expect.unreachable(String(error)));
    wire.on("data", (bytes: Buffer) => read.parse(Buffer.from(bytes)));
    const writer = createPublishWriter(wire, protocol);
    // About the place where the length of the packet takes one byte more.
    const topics = ["t", "快".repeat(30), ...Array.from({ length: 16 }, (_, index) => "t".repeat(115 + index))];
    for (const [index, topic] of topics.entries()) {
      writer.publish(2 * index + 1, { topic: "t", bytes: Buffer.from("{}") }, false);
      writer.subscribe(2 * index + 2, topic);
    }
    await endOfTurn();
    const asked = packets.flatMap((packet) =>
      packet.cmd === "subscribe"
        ? [[packet.messageId, ...packet.subscriptions.map(({ topic, qos, rh }) => [topic, qos, rh ?? 0])]]
        : [],
    );
    expect(asked).toEqual(topics.map((topic, index) => [2 * index + 2, [topic, 1, 0]]));
    expect(packets).toHaveLength(2 * topics.length);
  },
);

test("a length takes as many bytes as there need be, about each place where it takes one more", async () => {
  const about = (length: number): number[] => Array.from({ length: 24 }, (_, index) => length - 16 + index);
  const turns = [2 ** 7, 2 ** 14, 2 ** 21].flatMap(about).map((byteCount): Sent[] => {
    return [{ id: 7, isRetained: false, message: { topic: "topic", bytes: new Uint8Array(byteCount) } }];
  });
  const packets = await readBack(4, turns);
  expect(packets.map(shown)).toEqual(turns.flat().map((sent) => expected(sent, 4)));
});

test("bytes that the stream still holds are not written over", async () => {
  const held: { bytes: Buffer; done: (() => void) | undefined }[] = [];
  const stream = new PassThrough();
  stream.write = ((bytes: Buffer, done?: () => void): boolean => {
    held.push({ bytes, done });
    return true;
  }) as typeof stream.write;
  const writer = createPublishWriter(stream, 4);
  const publish = async (text: string): Promise<void> => {
    writer.publish(1, { topic: "t", bytes: Buffer.from(text.padEnd(20_000, ".")) }, false);
    await endOfTurn();
  };
  for (const text of ["first", "second"]) await publish(text);
  held[0]!.done!();
  await publish("third");
  // The buffer of the first is used again, that of the second is not.
  expect(held[2]!.bytes.buffer).toBe(held[0]!.bytes.buffer);
  expect(held.map(({ bytes }) => /first|second|third/.exec(bytes.toString("latin1"))?.[0])).toEqual([
    "third",
    "second",
    "third",
  ]);
});

test("a stream that lets go of nothing holds little more than what was written", async () => {
  const held: Buffer[] = [];
  const stream = new PassThrough();
  stream.write = ((bytes: Buffer): boolean => {
    held.push(bytes);
    return false;
  }) as typeof stream.write;
  const writer = createPublishWriter(stream, 4);
  for (let id = 1; id <= 50; id += 1) {
    writer.publish(id, { topic: "t", bytes: Buffer.alloc(8_000, id) }, false);
    await endOfTurn();
  }
  expect(held.map((bytes) => bytes.at(-1))).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
  const heldBytes = [...new Set(held.map(({ buffer }) => buffer))].reduce((sum, { byteLength }) => sum + byteLength, 0);
  expect(heldBytes).toBeLessThan(4 * 50 * 8_100);
});
