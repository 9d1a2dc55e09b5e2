import { execFileSync } from "node:child_process";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  askStatus,
  aWaybill,
  framed,
  logLines,
  makeSite,
  oneScanner,
  openSubscriber,
  openTcpScanner,
  runCommand,
  type Site,
  startDaemon,
} from "../fakes/gateway.ts";
import { freePort, openMosquitto } from "../fakes/mosquitto.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const parcels = Array.from({ length: 50 }, (_, number) => aWaybill(number));

/** A daemon without a broker that has fifty parcels on disk. */
async function withParcels(): Promise<{ site: Site; daemon: Awaited<ReturnType<typeof startDaemon>>; port: number }> {
  const port = await freePort();
  const scanner = await openTcpScanner();
  const site = makeSite({ brokerUrl: `mqtt://127.0.0.1:${port}`, rest: oneScanner(scanner.port) });
  const daemon = await startDaemon(site);
  cleanups.push(
    () => site.remove(),
    () => scanner.close(),
    () => daemon.end("SIGKILL"),
  );
  await scanner.connected();
  scanner.send(parcels.map(framed).join(""));
  await vi.waitFor(async () => expect((await askStatus(site)).queue.last).toBeGreaterThan(50), 15_000);
  return { site, daemon, port };
}

const ledger = (site: Site): string => join(site.dataDir, "ledger.db");

describe("a ledger file that somebody removes", () => {
  it("while the daemon runs ends it with 74 and a sentence, before more is accepted than a second holds", async () => {
    const { site, daemon } = await withParcels();
    rmSync(site.dataDir, { recursive: true });
    const code = await new Promise((resolve) => daemon.process.once("exit", resolve));
    expect({ code, said: daemon.output.stderr }).toEqual({
      code: 74,
      said: expect.stringMatching(/removed or replaced.*\nTry: /s),
    });
  });

  it.each<[what: string, harm: (path: string) => void]>([
    ["removed", (path) => rmSync(path)],
    ["emptied", (path) => writeFileSync(path, "")],
  ])(
    "%s while it was down, with its log left, loses nothing: the log's events come to the broker",
    async (_what, harm) => {
      const { site, daemon, port } = await withParcels();
      await daemon.end("SIGKILL");
      harm(ledger(site));
      const broker = await openMosquitto(["allow_anonymous true"], port);
      const subscriber = await openSubscriber(`mqtt://127.0.0.1:${port}`);
      const second = await startDaemon(site);
      cleanups.push(
        () => broker.stop("SIGKILL"),
        () => subscriber.close(),
        () => second.end(),
      );
      expect(logLines(second).find(({ name }) => name === "ledger/damaged")).toMatchObject({ level: "error" });
      await vi.waitFor(() => expect(new Set(subscriber.codes())).toEqual(new Set(parcels)), 20_000);
      expect(readdirSync(site.dataDir).filter((name) => /damaged-.*-wal$/.test(name))).toHaveLength(1);
    },
  );

  it("without the log that stood beside it is not gone on with, so that no sequence is used again", async () => {
    const { site, daemon } = await withParcels();
    const { chain } = (await askStatus(site)).chain;
    await daemon.end("SIGKILL");
    for (const end of ["-wal", "-reserve"]) rmSync(`${ledger(site)}${end}`);
    const second = await startDaemon(site);
    cleanups.push(() => second.end());
    expect((await askStatus(site)).chain.chain).not.toBe(chain);
    expect(logLines(second).find(({ name }) => name === "ledger/damaged")).toMatchObject({
      msg: expect.stringContaining("its write-ahead log is gone"),
    });
  });

  it("without one of the two names of its log is gone on with, and has all of it", async () => {
    const { site, daemon } = await withParcels();
    const { chain } = await askStatus(site);
    await daemon.end("SIGKILL");
    rmSync(`${ledger(site)}-wal`);
    const second = await startDaemon(site);
    cleanups.push(() => second.end());
    const after = (await askStatus(site)).chain;
    expect(after.chain).toBe(chain.chain);
    expect(after.sequence).toBeGreaterThan(chain.sequence);
    expect(logLines(second).filter(({ name }) => name === "ledger/damaged")).toEqual([]);
  });

  it("after a clean end, when no log is needed, is gone on with", async () => {
    const { site, daemon } = await withParcels();
    const { chain } = (await askStatus(site)).chain;
    await daemon.end();
    for (const name of readdirSync(site.dataDir).filter((file) => /-(?:wal|reserve|shm)$/.test(file)))
      rmSync(join(site.dataDir, name));
    const second = await startDaemon(site);
    cleanups.push(() => second.end());
    expect((await askStatus(site)).chain.chain).toBe(chain);
  });
});

it("a pipe in the ledger's place is refused, instead of waited for", async () => {
  const site = makeSite({ brokerUrl: "mqtt://127.0.0.1:1", rest: oneScanner(1) });
  cleanups.push(() => site.remove());
  execFileSync("mkdir", ["-m", "700", site.dataDir]);
  execFileSync("mkfifo", [ledger(site)]);
  const { code, stderr } = await runCommand(["run", "--config", site.configPath]);
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/ledger\.db is not a file\nTry: /) });
});
