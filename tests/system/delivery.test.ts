import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  askStatus,
  aWaybill,
  type Daemon,
  framed,
  makeSite,
  oneScanner,
  openSubscriber,
  openTcpScanner,
  runCommand,
  type Site,
  type Subscriber,
  startDaemon,
  type TcpScanner,
} from "../fakes/gateway.ts";
import { type Mosquitto, openMosquitto } from "../fakes/mosquitto.ts";
import { count, figure } from "../figures.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const lasting = ["allow_anonymous true", "max_queued_messages 0"];

interface Rig {
  broker: Mosquitto;
  readonly scanner: TcpScanner;
  readonly subscriber: Subscriber;
  readonly site: Site;
  start(): Promise<Daemon>;
}

async function openRig(rest: (port: number) => string = oneScanner): Promise<Rig> {
  const broker = await openMosquitto(lasting);
  const url = `mqtt://127.0.0.1:${broker.port}`;
  const scanner = await openTcpScanner();
  const subscriber = await openSubscriber(url);
  const site = makeSite({ brokerUrl: url, rest: rest(scanner.port) });
  const rig = {
    broker,
    scanner,
    subscriber,
    site,
    async start() {
      const daemon = await startDaemon(site);
      cleanups.push(() => daemon.end("SIGKILL"));
      await scanner.connected();
      return daemon;
    },
  };
  cleanups.push(
    () => site.remove(),
    () => rig.broker.stop("SIGKILL"),
    () => scanner.close(),
    () => subscriber.close(),
  );
  return rig;
}

const trustPath = (site: Site): string => join(site.dataDir, "identity", "device.crt");

/** Repeats on the wire are allowed (the same event again); two events for one parcel are not. */
function codesWithTwoEvents(subscriber: Subscriber): string[] {
  const sequences = new Map<string, Set<string>>();
  for (const { text, topic } of subscriber.messages) {
    if (!topic.includes("/read/")) continue;
    const { data, sequence } = JSON.parse(text) as { sequence: string; data: { code: string } };
    sequences.set(data.code, (sequences.get(data.code) ?? new Set<string>()).add(sequence));
  }
  return [...sequences].filter(([, set]) => set.size > 1).map(([code]) => code);
}

describe("the built daemon", () => {
  it("delivers each parcel once, signed and chained, however often it was read", async () => {
    const rig = await openRig();
    const daemon = await rig.start();
    for (let number = 0; number < 50; number += 1) rig.scanner.send(framed(aWaybill(number)).repeat(20));
    await vi.waitFor(() => expect(rig.subscriber.codes()).toHaveLength(50), 20_000);
    expect(new Set(rig.subscriber.codes()).size).toBe(50);
    expect(await daemon.end()).toBe(0);
    const verdict = rig.subscriber.verdict(trustPath(rig.site));
    expect(verdict.chains).toMatchObject([{ verdict: "whole", trust: "authentic" }]);
  });

  it("goes on with the same chain after kill -9, and nothing that was accepted is missing", async () => {
    const rig = await openRig();
    let sent = 0;
    for (let round = 0; round < 6; round += 1) {
      const daemon = await rig.start();
      const before = rig.subscriber.messages.length;
      // Kill in the middle of the traffic: some of these are accepted, some are not.
      for (let burst = 0; burst < 40; burst += 1) {
        rig.scanner.send(Array.from({ length: 25 }, () => framed(aWaybill(sent++))).join(""));
        if (burst % 8 === round) await vi.waitFor(() => expect(rig.subscriber.messages.length).toBeGreaterThan(before));
      }
      await daemon.end("SIGKILL");
    }
    const daemon = await rig.start();
    rig.scanner.send(framed(aWaybill(sent++)));
    await vi.waitFor(() => expect(rig.subscriber.codes()).toContain(aWaybill(sent - 1)), 20_000);
    const status = JSON.parse((await runCommand(["status", "--json", "--config", rig.site.configPath])).stdout);
    await vi.waitFor(() => expect(rig.subscriber.sequences().size).toBeGreaterThanOrEqual(status.queue.last), 20_000);
    await daemon.end();
    const verdict = rig.subscriber.verdict(trustPath(rig.site));
    expect(verdict.chains).toMatchObject([{ verdict: "whole", trust: "authentic", epochCount: 7 }]);
    expect(codesWithTwoEvents(rig.subscriber)).toEqual([]);
    figure(
      "G16",
      "restart",
      `${count(new Set(rig.subscriber.codes()).size)} parcels told over 6 kills: 0 with two events`,
    );
    figure("G17", "chain", `${count(rig.subscriber.sequences().size)} events over 6 kills: no gap`);
  });

  it("keeps the belt running while the broker is away, and then delivers everything", async () => {
    const rig = await openRig();
    const daemon = await rig.start();
    rig.scanner.send(framed(aWaybill(0)));
    await vi.waitFor(() => expect(rig.subscriber.codes()).toHaveLength(1), 15_000);
    await rig.broker.stop("SIGKILL");
    for (let number = 1; number <= 3_000; number += 1) rig.scanner.send(framed(aWaybill(number)));
    const queued = await vi.waitFor(async () => {
      const { stdout } = await runCommand(["status", "--json", "--config", rig.site.configPath]);
      const status = JSON.parse(stdout);
      expect(status.brokers[0]).toMatchObject({ state: "down" });
      expect(status.brokers[0].queuedCount).toBeGreaterThanOrEqual(3_000);
      return status.brokers[0].queuedCount as number;
    }, 20_000);
    expect(queued).toBeGreaterThanOrEqual(3_000);
    rig.broker = await openMosquitto(lasting, rig.broker.port);
    const again = await openSubscriber(`mqtt://127.0.0.1:${rig.broker.port}`);
    cleanups.push(() => again.close());
    await vi.waitFor(() => {
      const codes = new Set([...rig.subscriber.codes(), ...again.codes()]);
      expect(codes.size).toBe(3_001);
    }, 40_000);
    expect(await daemon.end()).toBe(0);
  });

  it("does not repeat the event of a parcel that lay on the read point while it was restarted", async () => {
    const rig = await openRig((port) =>
      oneScanner(port).replace('name = "tunnel-1"', 'name = "tunnel-1"\ndepart_ms = 5000'),
    );
    const first = await rig.start();
    rig.scanner.send(framed(aWaybill(7)));
    await vi.waitFor(() => expect(rig.subscriber.codes()).toEqual([aWaybill(7)]), 15_000);
    await first.end("SIGKILL");
    const second = await rig.start();
    rig.scanner.send(framed(aWaybill(7)) + framed(aWaybill(8)));
    await vi.waitFor(() => expect(rig.subscriber.codes()).toContain(aWaybill(8)), 15_000);
    expect(codesWithTwoEvents(rig.subscriber)).toEqual([]);
    await second.end();
  });

  it("does not repeat it either when the scanner was connected and silent for longer than a pass takes to depart", async () => {
    const rig = await openRig(oneScanner);
    const first = await rig.start();
    rig.scanner.send(framed(aWaybill(7)));
    await vi.waitFor(() => expect(rig.subscriber.codes()).toEqual([aWaybill(7)]), 15_000);
    await first.end("SIGKILL");
    const second = await rig.start();
    // `depart_ms` is half a second.
    await vi.waitFor(async () => {
      const [device] = (await askStatus(rig.site)).devices;
      expect(device).toMatchObject({ state: "up" });
      expect(device!.forMs).toBeGreaterThan(1_000);
    }, 15_000);
    rig.scanner.send(framed(aWaybill(7)) + framed(aWaybill(8)));
    await vi.waitFor(() => expect(rig.subscriber.codes()).toContain(aWaybill(8)), 15_000);
    expect(codesWithTwoEvents(rig.subscriber)).toEqual([]);
    await second.end();
  });

  it("stops within its budget while the broker does not answer, with everything on disk", async () => {
    const rig = await openRig();
    const daemon = await rig.start();
    rig.scanner.send(framed(aWaybill(1)));
    await vi.waitFor(() => expect(rig.subscriber.codes()).toHaveLength(1), 15_000);
    rig.broker.process.kill("SIGSTOP");
    rig.scanner.send(framed(aWaybill(2)));
    const askedAt = performance.now();
    expect(await daemon.end()).toBe(0);
    expect(performance.now() - askedAt).toBeLessThan(10_000);
    rig.broker.process.kill("SIGCONT");
    await rig.start();
    await vi.waitFor(() => expect(new Set(rig.subscriber.codes())).toContain(aWaybill(2)), 20_000);
  });
});

describe("a daemon that cannot start", () => {
  it("because another one runs says so and leaves that one alone", async () => {
    const rig = await openRig();
    await rig.start();
    const { code, stderr } = await runCommand(["run", "--config", rig.site.configPath]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/in another program|another daemon/);
    expect(stderr).toContain("Try: ");
    rig.scanner.send(framed(aWaybill(1)));
    await vi.waitFor(() => expect(rig.subscriber.codes()).toHaveLength(1), 15_000);
  });

  it("because its config is wrong names the line and touches nothing", async () => {
    const rig = await openRig();
    rig.site.configure("[gateway]\nsite = 7\n");
    const { code, stderr } = await runCommand(["run", "--config", rig.site.configPath]);
    expect(code).toBe(1);
    expect(stderr).toContain("Try: ");
    expect(stderr).toMatch(/site/);
    expect(existsSync(rig.site.dataDir)).toBe(false);
  });
});
