import { expect, test, vi } from "vitest";
import type { MqttLink, Published } from "../../src/forward/index.ts";
import { brokerSettings } from "../../src/forward/settings.ts";
import { createSubscription } from "../../src/forward/subscription.ts";
import { SortgateError } from "../../src/model/error.ts";
import { limits } from "../../src/model/limits.ts";
import { createBacklog } from "../fakes/backlog.ts";
import { aForwarder } from "../fakes/forwarder.ts";
import { openScriptedBroker, type ScriptedClient } from "../fakes/scripted-broker.ts";
import { createTime } from "../fakes/time.ts";

const topic = "sortgate/HZ01/line-3/order";
const broken = new SortgateError("broker/unreachable", "It closed the connection", { hint: "none" });
const flooded = new SortgateError("broker/refused", "It sends far more", { hint: "none", context: { flood: true } });

/** A subscription whose link is a list of what was asked, to be answered by the test. */
function aSubscription() {
  const time = createTime();
  const told: string[] = [];
  const asked: Published[] = [];
  const ends: SortgateError[] = [];
  const state = { hasRoom: true, missedCount: 0, come: (_bytes: Uint8Array): void => {} };
  const link = {
    subscribe(_topic: string, take: (bytes: Uint8Array) => void, answered: Published) {
      state.come = take;
      asked.push(answered);
    },
    end: (reason: SortgateError) => ends.push(reason),
  };
  const subscription = createSubscription({
    settings: brokerSettings.parse({ name: "central", url: "mqtt://127.0.0.1" }),
    topic,
    clock: { monotonicMs: time.nowMs, wallMs: time.nowMs, boot: "00000000" },
    timers: time.timers,
    tell: ({ message }) => told.push(message),
    taker: {
      take: () => state.hasRoom,
      missed() {
        state.missedCount += 1;
      },
    },
  });
  const begin = (): void => subscription.begin(link as unknown as MqttLink);
  return { ...subscription, begin, asked, ends, told, taker: state, advance: time.advance };
}

test("what is refused is told with what to do, and asked for again ten minutes later, on the same connection", async () => {
  const rig = aSubscription();
  rig.begin();
  rig.asked[0]!(135);
  expect(rig.told).toEqual([
    `No orders come by broker "central": it refuses the subscription to ${topic} (reason 135). Events go on. Try: let the user of this gateway subscribe to ${topic} in the broker's access rules (ACL)`,
  ]);
  // A new connection says it again, and is not told again.
  rig.ended(broken);
  rig.begin();
  rig.asked[1]!(135);
  expect(rig.told).toHaveLength(1);
  await rig.advance(limits.subscribePauseMs - 1);
  expect(rig.asked).toHaveLength(2);
  await rig.advance(1);
  expect(rig.asked).toHaveLength(3);
  rig.asked[2]!(135);
  expect(rig.told).toEqual([rig.told[0], rig.told[0]]);
  await rig.advance(limits.subscribePauseMs);
  rig.asked[3]!();
  // What is granted is not asked for again.
  await rig.advance(10 * limits.subscribePauseMs);
  expect([rig.asked.length, rig.told.length]).toEqual([4, 2]);
  // Neither is it on a connection that has ended.
  rig.ended(broken);
  rig.begin();
  rig.asked[4]!(151);
  expect(rig.told[2]).toMatch(/\(reason 151\)\. Events go on\. Try: look at the broker's own log$/);
  rig.ended(broken);
  await rig.advance(2 * limits.subscribePauseMs);
  expect(rig.asked).toHaveLength(5);
});

test("a broker that ends the connection instead of an answer, twice in a row, is left alone with it for ten minutes", async () => {
  const rig = aSubscription();
  const connection = (answer?: () => void): void => {
    rig.begin();
    answer?.();
    rig.ended(broken);
  };
  // One that was answered says that the one before was an accident.
  connection();
  connection(() => rig.asked.at(-1)!());
  connection();
  expect(rig.told).toEqual([]);
  connection();
  expect(rig.told).toEqual([
    expect.stringMatching(
      /: it ends the connection when we subscribe to .*\. Events go on\. Try: let the user .*\(ACL\)$/,
    ),
  ]);
  const count = rig.asked.length;
  connection();
  connection();
  expect(rig.asked).toHaveLength(count);
  rig.begin();
  await rig.advance(limits.subscribePauseMs);
  expect(rig.asked).toHaveLength(count + 1);
  expect(rig.told).toHaveLength(1);
});

test("what comes in such numbers that it costs the connection is not asked for on the next one", async () => {
  const rig = aSubscription();
  rig.begin();
  rig.asked[0]!();
  rig.ended(flooded);
  expect(rig.told).toEqual([
    expect.stringMatching(/more came under .* than may.*Try: let nobody but the centre publish/),
  ]);
  rig.begin();
  await rig.advance(limits.subscribePauseMs - 1);
  expect(rig.asked).toHaveLength(1);
  // A flood while nothing is subscribed to is none of the orders'.
  rig.ended(flooded);
  expect(rig.told).toHaveLength(1);
  await rig.advance(1);
  rig.begin();
  expect(rig.asked).toHaveLength(2);
});

test("what finds no room ends the connection, as a flood does; whoever takes it learns that some was missed", async () => {
  const rig = aSubscription();
  rig.begin();
  rig.asked[0]!();
  rig.taker.come(Buffer.from("a"));
  expect([rig.ends, rig.taker.missedCount]).toEqual([[], 0]);
  rig.taker.hasRoom = false;
  rig.taker.come(Buffer.from("b"));
  expect(rig.ends.map(({ code, message, context }) => [code, message, context.flood])).toEqual([
    ["broker/refused", `Broker "central" at mqtt://127.0.0.1 sends more under ${topic} than may wait`, true],
  ]);
  rig.ended(rig.ends[0]!);
  expect([rig.taker.missedCount, rig.state().problem]).toEqual([1, expect.stringContaining("than may")]);
  rig.begin();
  await rig.advance(limits.subscribePauseMs - 1);
  expect(rig.asked).toHaveLength(1);
  await rig.advance(1);
  expect(rig.asked).toHaveLength(2);
  // A connection that ends by itself lost nothing that the broker does not have.
  rig.ended(broken);
  expect(rig.taker.missedCount).toBe(1);
});

test("a broker that never answers is told of after a while, once in ten minutes, and asked again then", async () => {
  const rig = aSubscription();
  rig.begin();
  expect(rig.state()).toEqual({ isHeld: false, problem: "", hint: "" });
  await rig.advance(limits.ackAgeMaxMs - 1);
  expect(rig.told).toEqual([]);
  await rig.advance(1);
  expect(rig.told).toEqual([
    `No orders come by broker "central": it does not answer the subscription to ${topic}. Events go on. Try: look at the broker's own log, and restart the broker`,
  ]);
  expect(rig.state()).toEqual({
    isHeld: false,
    problem: `no orders come by it: it does not answer the subscription to ${topic}`,
    hint: "look at the broker's own log, and restart the broker",
  });
  await rig.advance(limits.subscribePauseMs);
  expect(rig.asked).toHaveLength(2);
  rig.asked[0]!();
  expect(rig.state()).toEqual({ isHeld: true, problem: "", hint: "" });
  await rig.advance(10 * limits.subscribePauseMs);
  expect([rig.asked.length, rig.told.length]).toEqual([2, 1]);
  // Whoever has gone is not waited for.
  rig.ended(broken);
  expect(rig.state().isHeld).toBe(false);
  rig.begin();
  rig.ended(broken);
  await rig.advance(limits.ackAgeMaxMs);
  expect(rig.told).toHaveLength(1);
});

test("what comes with QoS 2, which ends the connection, is not asked for on the next one", async () => {
  const rig = aSubscription();
  rig.begin();
  rig.asked[0]!();
  rig.ended(new SortgateError("broker/refused", "It sends with QoS 2", { hint: "none", context: { qos: 2 } }));
  expect(rig.told).toEqual([
    expect.stringMatching(/: it sends with QoS 2 what was asked for with QoS 1\. Events go on/),
  ]);
  rig.begin();
  expect(rig.asked).toHaveLength(1);
  await rig.advance(limits.subscribePauseMs);
  expect(rig.asked).toHaveLength(2);
});

test.each([5, 4] as const)(
  "nothing is subscribed to unless orders are taken, and then once a connection (MQTT %i)",
  async (protocol) => {
    const clients: ScriptedClient[] = [];
    const broker = await openScriptedBroker({ protocol, connected: (client) => clients.push(client) });
    const settings = { url: broker.url, protocol };
    const options = { settings, random: () => 0, backlog: createBacklog([]) };
    const without = aForwarder(options);
    await vi.waitFor(() => expect(broker.packets).toHaveLength(1), 5_000);
    clients[0]!.close();
    await vi.waitFor(() => expect(broker.packets).toHaveLength(2), 5_000);
    await without.close(1_000);
    expect(broker.subscribed).toEqual([]);
    const forwarder = aForwarder({ ...options, orders: { take: () => true, missed: () => {} } });
    await vi.waitFor(() => expect(broker.subscribed).toEqual([topic]), 5_000);
    clients.at(-1)!.close();
    await vi.waitFor(() => expect(broker.subscribed).toEqual([topic, topic]), 5_000);
    await forwarder.close(1_000);
    await broker.close();
  },
);
