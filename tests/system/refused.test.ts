import { afterEach, describe, expect, it, vi } from "vitest";
import {
  askStatus,
  aWaybill,
  framed,
  logLines,
  makeSite,
  oneScanner,
  openTcpScanner,
  runCommand,
  startDaemon,
} from "../fakes/gateway.ts";
import { openScriptedBroker } from "../fakes/scripted-broker.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

describe("a read that the broker will never take", () => {
  it("stands in sortgate queue stats with its reason, also after a kill, and the reads behind it are delivered", async () => {
    let refusedCount = 0;
    const broker = await openScriptedBroker({
      published({ topic, packetId }, client) {
        const isFirst = topic.includes("/read/") && refusedCount++ === 0;
        client.acknowledge(packetId, isFirst ? 0x99 : 0);
      },
    });
    const scanner = await openTcpScanner();
    const site = makeSite({ brokerUrl: broker.url, rest: oneScanner(scanner.port) });
    cleanups.push(
      () => broker.close(),
      () => site.remove(),
      () => scanner.close(),
    );
    const first = await startDaemon(site);
    cleanups.push(() => first.end("SIGKILL"));
    await scanner.connected();
    scanner.send(framed(aWaybill(1)) + framed(aWaybill(2)));
    await vi.waitFor(async () => {
      const [central] = (await askStatus(site)).brokers;
      expect(central).toMatchObject({ state: "up", queuedCount: 0, refusedCount: 1 });
    }, 15_000);
    expect(logLines(first).filter(({ name }) => name === "broker/refused")).toHaveLength(1);
    const listed = async (): Promise<string> =>
      (await runCommand(["queue", "stats", "--config", site.configPath])).stdout;
    // What moved is written within a tenth of a second, with the list.
    await vi.waitFor(
      async () => expect(await listed()).toMatch(/^\d+ .*0x99 it does not accept the content$/m),
      15_000,
    );
    await first.end("SIGKILL");
    const second = await startDaemon(site);
    cleanups.push(() => second.end("SIGKILL"));
    const said = await listed();
    expect(said).toMatch(/^central will never take one event, which stays in the ledger/m);
    expect(said).toMatch(/^\d+ .*0x99 it does not accept the content$/m);
    await vi.waitFor(async () => {
      const { devices, brokers } = await askStatus(site);
      expect([...devices, ...brokers].map(({ state }) => state)).toEqual(["up", "up"]);
    }, 15_000);
    const status = await runCommand(["status", "--config", site.configPath]);
    // All is up and nothing waits: it is the refusal alone that ends it so.
    expect(status.code).toBe(1);
    expect(status.stdout).toMatch(
      /^central: will never take 1 event, which stays in the ledger; the last reason: 0x99 /m,
    );
    expect(await second.end()).toBe(0);
  });
});
