import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Forwarder } from "../../src/forward/index.ts";
import type { BrokerSettings } from "../../src/forward/settings.ts";
import type { EventKind, SealedEvent } from "../../src/model/event.ts";
import { limits } from "../../src/model/limits.ts";
import type { Notice } from "../../src/model/notice.ts";
import { createBacklog, type TestBacklog } from "../fakes/backlog.ts";
import { aForwarder } from "../fakes/forwarder.ts";
import { type Mosquitto, openMosquitto } from "../fakes/mosquitto.ts";
import { openScriptedBroker, type Published, type Script, type ScriptedBroker } from "../fakes/scripted-broker.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const anEvent = (sequence: number, kind: EventKind = "read", size = 20): SealedEvent => ({
  sequence,
  kind,
  subject: kind === "read" ? "tunnel-1" : undefined,
  bytes: Buffer.alloc(size, `${sequence} `),
});
const reads = (count: number): SealedEvent[] => Array.from({ length: count }, (_, index) => anEvent(index + 1));

interface Rig {
  readonly forwarder: Forwarder;
  readonly backlog: TestBacklog;
  readonly notices: Notice[];
  /** Notices of one name. */
  told(name: Notice["name"]): Notice[];
}

function start(url: string, events: SealedEvent[], settings: Partial<BrokerSettings> = {}): Rig {
  const notices: Notice[] = [];
  const backlog = createBacklog(events);
  const forwarder = aForwarder({
    settings: { url, ...settings },
    backlog,
    tell: (notice) => notices.push(notice),
    // Short pauses, so that a test need not wait.
    random: () => 0.02,
  });
  cleanups.push(() => forwarder.close(500));
  return { forwarder, backlog, notices, told: (name) => notices.filter((notice) => notice.name === name) };
}

async function scripted(script: Script): Promise<ScriptedBroker> {
  const broker = await openScriptedBroker(script);
  cleanups.push(() => broker.close());
  return broker;
}

const isEvent = ({ topic }: Published): boolean => !topic.endsWith("/status");

/** Answers the nth PUBLISH of an event with what `reason` says. */
const answering = (reason: (nth: number, packet: Published) => number): Script => {
  let count = 0;
  return {
    published(packet, client) {
      client.acknowledge(packet.packetId, isEvent(packet) ? reason(++count, packet) : 0);
    },
  };
};

describe("an event that a broker will never take", () => {
  it.each([
    [0x90, /name of the topic/],
    [0x99, /content/],
  ])(
    "(reason %d) is set aside with its reason, and the others go on over the same connection",
    async (code, reason) => {
      const broker = await scripted(answering((nth) => (nth === 2 ? code : 0)));
      const { forwarder, backlog, told } = start(broker.url, reads(5));
      await vi.waitFor(() => expect(backlog.settled.size).toBe(5), 10_000);
      expect([...backlog.refused]).toEqual([[2, expect.stringMatching(reason)]]);
      expect(backlog.refused.get(2)).toMatch(new RegExp(`^0x${code.toString(16)} `));
      expect(told("broker/refused")).toMatchObject([{ level: "error", fields: { kind: "read", reason: code } }]);
      expect(forwarder.state()).toMatchObject({ state: "up", acknowledgedCount: 4, problem: "" });
      expect(broker.connectionCount()).toBe(1);
    },
  );

  it("because it is larger than the broker's packets is set aside too, without being sent", async () => {
    const broker = await openMosquitto(["allow_anonymous true", "max_packet_size 3000"]);
    cleanups.push(() => broker.stop("SIGKILL"));
    const { backlog } = start(`mqtt://127.0.0.1:${broker.port}`, [anEvent(1), anEvent(2, "read", 4_000), anEvent(3)]);
    await vi.waitFor(() => expect(backlog.settled.size).toBe(3), 10_000);
    expect([...backlog.refused.keys()]).toEqual([2]);
  });
});

describe("an event that is larger than mosquitto's message_size_limit", () => {
  // mosquitto answers with a reason that no PUBACK may have, so nobody can know which event it is.
  it("is told with the key that mends it, and is not taken for another gateway with our id", async () => {
    const broker = await openMosquitto(["allow_anonymous true", "message_size_limit 1000"]);
    cleanups.push(() => broker.stop("SIGKILL"));
    const { told } = start(`mqtt://127.0.0.1:${broker.port}`, [anEvent(1), anEvent(2, "read", 2_000)]);
    await vi.waitFor(() => expect(told("broker/down").length).toBeGreaterThan(3), 10_000);
    for (const { message, fields } of told("broker/down")) {
      expect(fields?.code).toBe("broker/refused");
      expect(message).toMatch(/Try: .*max_packet_size/);
    }
  });
});

describe("an event that a broker refuses for now", () => {
  it.each([0x80, 0x83, 0x87, 0x91, 0x97])(
    "(reason %d) is tried again on the same connection until it is taken",
    async (code) => {
      const broker = await scripted(answering((nth) => (nth === 1 || nth === 4 ? code : 0)));
      const { forwarder, backlog, told } = start(broker.url, reads(3));
      await vi.waitFor(() => expect(backlog.settled.size).toBe(3), 10_000);
      expect([backlog.refused.size, broker.packets.filter(isEvent).length, broker.connectionCount()]).toEqual([
        0, 5, 1,
      ]);
      expect(told("broker/refused")).toHaveLength(1);
      expect(forwarder.state()).toMatchObject({ state: "up", problem: "", acknowledgedCount: 3 });
    },
  );

  it("holds up no other kind, is told once with its topic and a hint, and is seen in the status", async () => {
    const broker = await scripted({
      published: (packet, client) => client.acknowledge(packet.packetId, packet.topic.includes("/read/") ? 0x87 : 0),
    });
    const events = [...reads(20), anEvent(21, "checkpoint"), anEvent(22, "epoch")];
    const { forwarder, backlog, told } = start(broker.url, events, { in_flight_max: 4 });
    await vi.waitFor(() => expect([...backlog.settled]).toEqual([21, 22]), 10_000);
    const readCount = (): number => broker.packets.filter(({ topic }) => topic.includes("/read/")).length;
    await vi.waitFor(() => expect(readCount()).toBeGreaterThan(23), 10_000);
    expect(told("broker/refused")).toMatchObject([{ level: "warn", fields: { kind: "read", reason: 0x87 } }]);
    expect(told("broker/refused")[0]?.message).toMatch(/HZ01\/line-3\/read\/tunnel-1.*Try: .*access rules/);
    expect(forwarder.state().problem).toMatch(/may not write .*20 wait/);
    expect(broker.connectionCount()).toBe(1);
  });

  it("waits in the ledger if there are too many of them, and all come once the broker takes them", async () => {
    let isAllowed = false;
    const count = limits.heldEventsMax + 200;
    const broker = await scripted({
      published: (packet, client) => client.acknowledge(packet.packetId, isAllowed || !isEvent(packet) ? 0 : 0x87),
    });
    const { forwarder, backlog } = start(broker.url, reads(count), { in_flight_max: 16 });
    // One of them may be on its way to be tried again, and another in its place.
    await vi.waitFor(() => expect(forwarder.state().problem).toMatch(/more than 25\d wait/), 10_000);
    await vi.waitFor(() => expect(broker.packets.filter(isEvent).length).toBeGreaterThanOrEqual(count), 10_000);
    isAllowed = true;
    await vi.waitFor(() => expect(backlog.settled.size).toBe(count), 20_000);
    await vi.waitFor(() => expect(forwarder.state()).toMatchObject({ problem: "", inFlightCount: 0 }));
    expect(broker.connectionCount()).toBe(1);
  });

  it("never makes more in flight than the broker's receive maximum", async () => {
    const broker = await scripted({ ...answering((nth) => (nth % 3 === 0 ? 0x97 : 0)), receiveMaximum: 5 });
    const { backlog } = start(broker.url, reads(200));
    await vi.waitFor(() => expect(backlog.settled.size).toBe(200), 20_000);
    expect(broker.mostInFlight()).toBeLessThanOrEqual(5);
  });

  it("by the access rules of a real mosquitto comes once the rules are mended, without a new connection", async () => {
    const dir = mkdtempSync(join(tmpdir(), "sortgate-acl-"));
    cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
    const acl = join(dir, "acl");
    writeFileSync(acl, "topic write sortgate/HZ01/line-3/log/#\ntopic write sortgate/HZ01/line-3/status\n");
    const broker: Mosquitto = await openMosquitto(["allow_anonymous true", `acl_file ${acl}`]);
    cleanups.push(() => broker.stop("SIGKILL"));
    const { forwarder, backlog, told } = start(`mqtt://127.0.0.1:${broker.port}`, [
      anEvent(1),
      anEvent(2, "checkpoint"),
      anEvent(3),
    ]);
    await vi.waitFor(() => expect([...backlog.settled]).toEqual([2]), 10_000);
    await vi.waitFor(() => expect(forwarder.state().problem).toContain("2 wait"), 10_000);
    writeFileSync(acl, "topic write sortgate/#\n");
    broker.process.kill("SIGHUP");
    await vi.waitFor(() => expect(backlog.settled.size).toBe(3), 15_000);
    expect(told("broker/up")).toHaveLength(1);
  });
});
