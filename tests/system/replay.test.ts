import { afterEach, describe, expect, it, vi } from "vitest";
import { imbalances } from "../../src/control/index.ts";
import {
  askStatus,
  aWaybill,
  framed,
  makeSite,
  oneScanner,
  openSubscriber,
  openTcpScanner,
  runCommand,
  startDaemon,
} from "../fakes/gateway.ts";
import { openMosquitto } from "../fakes/mosquitto.ts";
import { figure } from "../figures.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

describe("a broker that lost what it had acknowledged", () => {
  it("gets it again by queue replay, the same bytes, and the chain says who asked", async () => {
    const first = await openMosquitto();
    const url = `mqtt://127.0.0.1:${first.port}`;
    const scanner = await openTcpScanner();
    const early = await openSubscriber(url);
    const site = makeSite({ brokerUrl: url, rest: oneScanner(scanner.port) });
    const daemon = await startDaemon(site);
    cleanups.push(
      () => site.remove(),
      () => scanner.close(),
      () => early.close(),
      () => daemon.end("SIGKILL"),
    );
    await scanner.connected();
    for (let parcel = 0; parcel < 40; parcel += 1) scanner.send(framed(aWaybill(parcel)));
    await vi.waitFor(
      async () => expect((await askStatus(site)).brokers[0]!.deliveredCount).toBeGreaterThan(40),
      10_000,
    );
    const had = new Map(early.messages.map(({ topic, text }) => [text, topic]));
    // It has the name of the later one, and would come back and take its place.
    await early.close();
    // Without persistence it forgets everything that it acknowledged.
    await first.stop("SIGKILL");
    const second = await openMosquitto(["allow_anonymous true"], first.port);
    const late = await openSubscriber(url);
    cleanups.push(
      () => second.stop("SIGKILL"),
      () => late.close(),
    );
    await vi.waitFor(async () => expect((await askStatus(site)).brokers[0]!.state).toBe("up"), 20_000);
    const range = ["--from", "3", "--to", "30", "--broker", "central", "--reason", "TICKET-4711"];
    const done = await runCommand(["queue", "replay", "--config", site.configPath, ...range]);
    expect([done.code, done.stderr]).toEqual([0, expect.any(String)]);
    const wanted = Array.from({ length: 28 }, (_, index) => index + 3);
    await vi.waitFor(() => expect([...late.sequences()]).toEqual(expect.arrayContaining(wanted)), 10_000);
    for (const { topic, text } of late.messages.filter(({ text }) => / *"sequence":"([3-9]|[12]\d|30)"/.test(text)))
      expect(had.get(text)).toBe(topic);
    await vi.waitFor(() =>
      expect(late.messages.some(({ text }) => text.includes('"action":"queue-replay"'))).toBe(true),
    );
    await vi.waitFor(async () => {
      const status = await askStatus(site);
      expect(status.brokers[0]).toMatchObject({ queuedCount: 0 });
      expect(status.brokers[0]).not.toHaveProperty("replay");
      expect(imbalances(status)).toEqual([]);
    }, 10_000);
    figure("G5", "replay", `${wanted.length} delivered events sent again by their range, all byte-identical`);
  });
});
