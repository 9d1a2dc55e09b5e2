import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { askStatus, startBelt } from "../fakes/gateway.ts";
import { type Certificates, makeCertificates } from "../fakes/mosquitto.ts";
import { count, figure } from "../figures.ts";
import { openScriptedBroker, type Script, type ScriptedBroker } from "./rig/broker.ts";
import { type Defer, deferTo } from "./rig/defer.ts";
import { openLine } from "./rig/line.ts";
import { breakProgram } from "./rig/program.ts";

let certificates: Certificates;
beforeAll(() => {
  certificates = makeCertificates();
});
afterAll(() => rmSync(certificates.dir, { recursive: true, force: true }));

const delivered: Record<string, number> = {};
afterAll(() => {
  const all = Object.values(delivered);
  const sum = all.reduce((total, one) => total + one, 0);
  figure("G3", "bad brokers", `${all.length} kinds of bad broker, all of ${count(sum)} events delivered afterwards`);
});

const parcels = 300;

interface Misbehaviour {
  /** What the broker does at first. */
  readonly script: Script;
  /** Resolves when it has done that long enough. */
  readonly seen: (broker: ScriptedBroker) => Promise<void>;
}

/** Runs traffic past a broker that misbehaves and then behaves; gives it with all that it was sent. */
async function survive({ script, seen }: Misbehaviour, defer: Defer, main?: string): Promise<ScriptedBroker> {
  const broker = await openScriptedBroker({ script });
  defer(() => broker.close());
  const { site, scanner, start } = await openLine({ brokerUrl: broker.url }, defer);
  await start(main === undefined ? {} : { main });
  const belt = startBelt(scanner, 10);
  defer(() => belt.stop());
  await Promise.all([seen(broker), belt.passed(parcels)]);
  broker.script = {};
  // Back-off may have grown to seconds by now; the last event that is queued tells that all are out.
  await vi.waitFor(async () => {
    const { queue, brokers } = await askStatus(site);
    expect(brokers[0]).toMatchObject({ state: "up", queuedCount: 0, refusedCount: 0 });
    expect(queue.lostCount + queue.droppedCount).toBe(0);
  }, 60_000);
  expect(broker.codes().size).toBe(parcels);
  const sequences = [...broker.distinct().keys()].sort((a, b) => a - b);
  expect(sequences).toEqual(Array.from({ length: sequences.length }, (_, index) => index + 1));
  return broker;
}

const connections = (least: number) => (broker: ScriptedBroker) =>
  vi.waitFor(() => expect(broker.connectionCount).toBeGreaterThanOrEqual(least), 60_000);

/** Events that came again after the broker refused them; over one connection that may be. */
const repeats = (least: number) => (broker: ScriptedBroker) =>
  vi.waitFor(() => expect(broker.events.length - broker.distinct().size).toBeGreaterThanOrEqual(least), 60_000);

const bad: Record<string, Misbehaviour> = {
  "that forgets every third acknowledgement": {
    script: { answer: ({ number }) => (number % 3 === 0 ? "drop" : "ack") },
    seen: connections(2),
  },
  "that cuts the line at the fifth event of each connection": {
    script: { answer: ({ number }) => (number === 5 ? "cut" : "ack") },
    seen: connections(5),
  },
  "that is not available (136), four times": { script: { connack: 136 }, seen: connections(4) },
  "that does not know us (135), four times": { script: { connack: 135 }, seen: connections(4) },
  "that takes every call and never answers": { script: { connack: "silent" }, seen: connections(2) },
  "that takes two events at a time": {
    script: { properties: { receiveMaximum: 3 }, answer: () => "ack" },
    seen: connections(1),
  },
  "whose quota for us is used up (151)": { script: { reasonCode: 151 }, seen: repeats(2) },
};

describe.concurrent("G3 every event reaches a broker", () => {
  for (const [name, misbehaviour] of Object.entries(bad))
    it(`G3 every event reaches a broker ${name}`, async ({ onTestFinished }) => {
      const defer = deferTo(onTestFinished);
      const broker = await survive(misbehaviour, defer);
      delivered[name] = broker.distinct().size;
    });

  it("G3 every event reaches a broker whose TLS hangs at first", async ({ onTestFinished }) => {
    const defer = deferTo(onTestFinished);
    const mute = new Set<Socket>();
    const server = createServer((socket) => mute.add(socket.on("error", () => {}))).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const { scanner, start } = await openLine(
      { brokerUrl: `mqtts://127.0.0.1:${port}`, broker: `ca_file = "${certificates.ca}"` },
      defer,
    );
    await start();
    const belt = startBelt(scanner, 10);
    defer(() => belt.stop());
    // The second call proves that the first, which never came to its end, was given up.
    await Promise.all([belt.passed(parcels), vi.waitFor(() => expect(mute.size).toBeGreaterThanOrEqual(2), 40_000)]);
    server.close();
    for (const socket of mute) socket.destroy();
    await once(server, "close");
    const { cert, key } = certificates.server;
    const tls = { cert: readFileSync(cert), key: readFileSync(key) };
    const broker = await openScriptedBroker({ port, tls });
    defer(() => broker.close());
    await vi.waitFor(() => expect(broker.codes().size).toBe(parcels), 60_000);
    delivered.TLS = broker.distinct().size;
  });

  it("G3 no more than the first few reach a broker where an answer is awaited for ever", async ({ onTestFinished }) => {
    const defer = deferTo(onTestFinished);
    const trusting = breakProgram({ file: "src/model/limits.js", from: "ackAgeMaxMs: 9_000", to: "ackAgeMaxMs: 1e9" });
    defer(() => trusting.remove());
    const broker = await openScriptedBroker({
      script: { answer: ({ number }) => (number % 3 === 0 ? "drop" : "ack") },
    });
    defer(() => broker.close());
    const { scanner, start, site } = await openLine({ brokerUrl: broker.url, broker: "in_flight_max = 64" }, defer);
    await start({ main: trusting.main });
    const belt = startBelt(scanner, 10);
    defer(() => belt.stop());
    await belt.passed(parcels);
    // The window is full of what is never answered, and it stays so for longer than the watch would have let it.
    const stuckAt = await vi.waitFor(async () => {
      const [state] = (await askStatus(site)).brokers;
      expect(state).toMatchObject({ state: "up", inFlightCount: 64 });
      return performance.now();
    }, 20_000);
    broker.script = {};
    await vi.waitFor(() => expect(performance.now() - stuckAt).toBeGreaterThan(15_000), {
      timeout: 20_000,
      interval: 500,
    });
    expect(broker.connectionCount).toBe(1);
    expect(broker.codes().size).toBeLessThan(parcels);
  });
});
