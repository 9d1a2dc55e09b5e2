import { afterEach, describe, expect, it, vi } from "vitest";
import { createContest } from "../../src/forward/contest.ts";
import { type Backlog, type Forwarder, startForwarder } from "../../src/forward/index.ts";
import { brokerSettings } from "../../src/forward/settings.ts";
import { type Clock, createSystemClock } from "../../src/lib/clock.ts";
import { SortgateError } from "../../src/model/error.ts";
import { limits } from "../../src/model/limits.ts";
import type { Notice } from "../../src/model/notice.ts";
import { createBacklog } from "../fakes/backlog.ts";
import { openMosquitto } from "../fakes/mosquitto.ts";
import { openScriptedBroker, type Script, type ScriptedBroker } from "../fakes/scripted-broker.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const settings = (url: string, protocol: 4 | 5) => brokerSettings.parse({ name: "central", url, protocol });

interface Rig {
  readonly forwarder: Forwarder;
  readonly notices: Notice[];
  /** When each connection was made, in real milliseconds. */
  readonly upAt: number[];
}

function start(
  url: string,
  protocol: 4 | 5,
  over: { clock?: Clock; random?: () => number; backlog?: Backlog } = {},
): Rig {
  const notices: Notice[] = [];
  const upAt: number[] = [];
  const forwarder = startForwarder({
    settings: settings(url, protocol),
    site: "HZ01",
    gateway: "line-3",
    chain: "6f1c2a9be04d",
    software: "0.1.0",
    backlog: { connect: () => ({ want() {}, settle() {}, written: async () => {}, close() {} }) },
    clock: createSystemClock(),
    tell(notice) {
      notices.push(notice);
      if (notice.name === "broker/up") upAt.push(performance.now());
    },
    ...over,
  });
  cleanups.push(() => forwarder.close(500));
  return { forwarder, notices, upAt };
}

async function scripted(script: Script): Promise<ScriptedBroker> {
  const broker = await openScriptedBroker(script);
  cleanups.push(() => broker.close());
  return broker;
}

/** Lets a client in, and is rid of it once its status has come: the client knows by then that it is in. */
const throwingOff = (count: number, off: "taken over" | "closed"): Script => ({
  protocol: off === "taken over" ? 5 : 4,
  published({ packetId, connection }, client) {
    client.acknowledge(packetId);
    if (connection > count) return;
    if (off === "taken over") client.disconnect(0x8e);
    else client.close();
  },
});

describe("a broker that gives our place to another client", () => {
  it("is told with the keys to check, and status goes on to say so while the connection is up again", async () => {
    const broker = await scripted(throwingOff(2, "taken over"));
    const { forwarder, notices } = start(broker.url, 5);
    await vi.waitFor(() => expect([broker.connectionCount(), forwarder.state().state]).toEqual([3, "up"]), 15_000);
    expect(forwarder.state().problem).toMatch(/our place to another client .* 2 times/);
    const down = notices.filter(({ name }) => name === "broker/down");
    expect(down).toHaveLength(2);
    for (const { message, fields } of down) {
      expect(message).toMatch(/another client.*Try: .*same site and id/);
      expect(fields?.code).toBe("broker/refused");
    }
  });

  it("is come back to ever more slowly, however long the place was held in between", async () => {
    let elapsedMs = 0;
    const { published } = throwingOff(99, "taken over");
    const broker = await scripted({
      published(packet, client) {
        elapsedMs += 2 * limits.backoff.stableMs;
        published?.(packet, client);
      },
    });
    const clock: Clock = { ...createSystemClock(), monotonicMs: () => elapsedMs };
    const { upAt } = start(broker.url, 5, { clock, random: () => 0.999 });
    await vi.waitFor(() => expect(upAt).toHaveLength(4), 15_000);
    const waits = upAt.slice(1).map((at, index) => at - upAt[index]!);
    expect(waits[1]).toBeGreaterThan(900);
    expect(waits[2]).toBeGreaterThan(1_900);
  });
});

describe("a broker that closes without a word", () => {
  it("for the third time soon after it let us in makes another gateway a likely cause", async () => {
    const broker = await scripted(throwingOff(3, "closed"));
    const { forwarder, notices } = start(broker.url, 4);
    await vi.waitFor(() => expect([broker.connectionCount(), forwarder.state().state]).toEqual([4, "up"]), 15_000);
    const told = notices.filter(({ name }) => name === "broker/down").map(({ message }) => message);
    expect(told.map((message) => /another gateway with the same site and id/.test(message))).toEqual([
      false,
      false,
      true,
    ]);
    expect(forwarder.state().problem).toMatch(/closed the connection soon after it let us in, 3 times/);
  });

  it("is told as one that closed also when events were in flight, so that the third time counts", async () => {
    const broker = await scripted({
      published({ topic, packetId }, client) {
        if (topic.endsWith("/status")) client.acknowledge(packetId);
        else client.close();
      },
    });
    const backlog = createBacklog([{ sequence: 1, kind: "read", subject: "tunnel-1", bytes: Buffer.from("1") }]);
    const { notices } = start(broker.url, 5, { backlog });
    const down = (): Notice[] => notices.filter(({ name }) => name === "broker/down");
    await vi.waitFor(() => expect(down().length).toBeGreaterThanOrEqual(3), 15_000);
    expect(down().map(({ fields }) => fields?.code)).not.toContain("broker/refused");
    expect(down()[2]?.message).toContain("another gateway with the same site and id");
  });

  it.each([4, 5] as const)(
    "is mosquitto when two gateways share a site and id, in MQTT version %d",
    async (protocol) => {
      const broker = await openMosquitto();
      cleanups.push(() => broker.stop("SIGKILL"));
      const url = `mqtt://127.0.0.1:${broker.port}`;
      const rigs = [start(url, protocol), start(url, protocol)];
      await vi.waitFor(() => {
        for (const { forwarder } of rigs) expect(forwarder.state().problem).toContain("same site and id");
      }, 40_000);
    },
  );
});

describe("a contest", () => {
  const aContest = () => createContest(settings("mqtt://127.0.0.1:1883", 5));
  const closed = new SortgateError("broker/unreachable", "closed", { hint: "look" });
  const taken = new SortgateError("broker/refused", "taken over", { hint: "look", context: { reason: 142 } });

  it("is not seen in closes that come late, or seldom in a row", () => {
    const contest = aContest();
    for (const upMs of [100, 100, limits.earlyCloseMs, 100, 100]) {
      expect(contest.ended(closed, upMs)).toBe(closed);
      expect(contest.isOn()).toBe(false);
    }
    expect(contest.ended(closed, 100).message).toContain("3 times");
  });

  it("that was told is not hidden by a close that follows", () => {
    const contest = aContest();
    const { message } = contest.ended(taken, 100);
    contest.ended(closed, 100);
    expect(contest.problem(0)).toBe(message);
  });

  it("goes on at its slowest pace, and is over when a connection has held", () => {
    const contest = aContest();
    contest.ended(taken, 100);
    contest.ended(taken, limits.backoff.capMs);
    expect(contest.isOn()).toBe(true);
    expect(contest.problem(limits.contestCalmMs)).toBe("");
    expect(contest.ended(closed, limits.contestCalmMs)).toBe(closed);
    expect([contest.isOn(), contest.problem(0)]).toEqual([false, ""]);
  });
});
