import { expect, test } from "vitest";
import type { Message, MqttLink, Published } from "../../src/forward/index.ts";
import { LinkSession } from "../../src/forward/link-session.ts";
import { brokerSettings } from "../../src/forward/settings.ts";
import { createTopics } from "../../src/forward/topic.ts";
import type { SortgateError } from "../../src/model/error.ts";
import type { SealedEvent } from "../../src/model/event.ts";
import { limits } from "../../src/model/limits.ts";
import { createBacklog, type TestBacklog } from "../fakes/backlog.ts";
import { createTime } from "../fakes/time.ts";

interface Sent {
  readonly message: Message;
  readonly done: Published;
}

interface Rig {
  readonly backlog: TestBacklog;
  readonly session: LinkSession;
  /** What is at the broker and not acknowledged. */
  readonly open: Sent[];
  readonly ended: SortgateError[];
  acknowledge(refusedFor?: number): void;
  advance(durationMs: number): Promise<void>;
}

/** MQTT 5 §3.4.2.1. */
const quotaExceeded = 151;

const event = (sequence: number): SealedEvent => ({
  sequence,
  kind: "read",
  subject: "tunnel-1",
  bytes: Buffer.from(`${sequence}`),
});

/** A session over a link to a broker that takes `inFlightMax` publishes at once and answers when it is told to. */
function aSession(inFlightMax: number, eventCount: number, heldEventsMax?: number): Rig {
  const time = createTime();
  const open: Sent[] = [];
  const ended: SortgateError[] = [];
  const link: MqttLink = {
    protocol: 5,
    inFlightMax,
    packetBytesMax: 1_000_000,
    publish(message, done) {
      open.push({ message, done });
      expect(open.length, "publishes at once").toBeLessThanOrEqual(inFlightMax);
    },
    subscribe() {},
    ended: new Promise(() => {}),
    end: (reason) => ended.push(reason),
    leave: async () => {},
  };
  const backlog = createBacklog(Array.from({ length: eventCount }, (_, index) => event(index + 1)));
  const session = new LinkSession({
    link,
    settings: brokerSettings.parse({ name: "central", url: "mqtt://127.0.0.1" }),
    gateway: "line-3",
    chain: "6f1c2a9be04d",
    backlog,
    topics: createTopics("sortgate", "HZ01", "line-3"),
    online: { topic: "status", bytes: Buffer.from("online") },
    clock: { monotonicMs: time.nowMs, wallMs: time.nowMs, boot: "00000000" },
    timers: time.timers,
    random: () => 0.5,
    tell: () => {},
    acknowledged: () => {},
    heldEventsMax,
  });
  return {
    backlog,
    session,
    open,
    ended,
    acknowledge: (refusedFor) => open.shift()?.done(refusedFor),
    advance: time.advance,
  };
}

const texts = (rig: Rig): string[] => rig.open.map(({ message }) => Buffer.from(message.bytes).toString());

test("a broker that takes one publish at once gets the status, then one event after the other", async () => {
  const rig = aSession(1, 3);
  const seen: string[][] = [];
  for (let turn = 0; turn < 4; turn += 1) {
    await rig.advance(1);
    seen.push(texts(rig));
    rig.acknowledge();
  }
  await rig.advance(1);
  expect(seen).toEqual([["online"], ["1"], ["2"], ["3"]]);
  expect([...rig.backlog.settled]).toEqual([1, 2, 3]);
  rig.session.close();
});

test("what such a broker refuses for now waits in the ledger, and comes again alone", async () => {
  const rig = aSession(1, 2);
  await rig.advance(1);
  rig.acknowledge();
  await rig.advance(1);
  rig.acknowledge(quotaExceeded);
  await rig.advance(1);
  expect(texts(rig)).toEqual(["2"]);
  rig.acknowledge();
  await rig.advance(limits.rewindPauseMs + 1);
  expect(texts(rig)).toEqual(["1"]);
  rig.acknowledge();
  await rig.advance(1);
  expect([...rig.backlog.settled].sort()).toEqual([1, 2]);
  rig.session.close();
});

test("such a broker gets the last word of the status only when it has answered the first", async () => {
  const rig = aSession(1, 0);
  await rig.advance(1);
  const drained = rig.session.drain({ topic: "status", bytes: Buffer.from("offline") });
  await rig.advance(1);
  expect(texts(rig)).toEqual(["online"]);
  rig.acknowledge();
  await rig.advance(1);
  expect(texts(rig)).toEqual(["offline"]);
  rig.acknowledge();
  await drained;
  rig.session.close();
});

test("a broker that never acknowledges the status is left, though it takes events", async () => {
  const rig = aSession(8, 3);
  await rig.advance(1);
  for (const sent of rig.open.splice(1)) sent.done();
  await rig.advance(limits.ackAgeMaxMs - 1_000);
  expect(rig.ended).toEqual([]);
  await rig.advance(2_000);
  expect(rig.ended.map(({ code }) => code)).toContain("broker/unreachable");
  rig.session.close();
});

test("what was acknowledged after a rewind is sent when it is replayed", async () => {
  const rig = aSession(4, 5, 1);
  const answer = (text: string, refusedFor?: number): void => {
    const [sent] = rig.open.splice(texts(rig).indexOf(text), 1);
    sent!.done(refusedFor);
  };
  await rig.advance(1);
  answer("online");
  // One is held, the other finds no room and is left behind in the ledger.
  answer("1", quotaExceeded);
  answer("2", quotaExceeded);
  await rig.advance(1);
  expect(texts(rig)).toEqual(["3", "4", "5"]);
  await rig.advance(1_000);
  expect(texts(rig)).toEqual(["3", "4", "5", "1"]);
  // The broker takes the held one: what is left behind is asked for, while three others are in flight.
  answer("1");
  await rig.advance(1);
  for (const text of ["3", "4", "5"]) answer(text);
  await rig.advance(1);
  expect(texts(rig)).toEqual(["2"]);
  answer("2");
  await rig.advance(1);
  expect([...rig.backlog.settled].sort()).toEqual([1, 2, 3, 4, 5]);
  rig.backlog.settled.delete(3);
  rig.backlog.add(event(6));
  await rig.advance(1);
  expect(texts(rig).sort()).toEqual(["3", "6"]);
  rig.session.close();
});
