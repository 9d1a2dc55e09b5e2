import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  askStatus,
  aWaybill,
  type Daemon,
  framed,
  logLines,
  makeSite,
  oneScanner,
  openSubscriber,
  runCommand,
  type Site,
  startDaemon,
} from "../fakes/gateway.ts";
import { freePort, openDoor, openMosquitto } from "../fakes/mosquitto.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** On a busy machine all of this takes minutes; none of it is about time. */
const patience = { timeout: 240_000, interval: 100 };

/** A scanner that sends as fast as it is read from, and no faster: it waits while its bytes pile up. */
async function openEagerScanner() {
  let caller: (socket: Socket) => void = () => {};
  const called = new Promise<Socket>((resolve) => {
    caller = resolve;
  });
  const server = createServer((socket) => {
    socket.on("error", () => {});
    caller(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => server.close());
  return {
    port: (server.address() as { port: number }).port,
    called,
    /** Sends codes with line breaks between them: kernels keep megabytes before a sender has to wait. */
    async send(count: number, between = ""): Promise<void> {
      const socket = await called;
      cleanups.push(() => socket.destroy());
      for (let number = 0; number < count; ) {
        let text = "";
        for (let end = Math.min(number + 500, count); number < end; number += 1)
          text += framed(aWaybill(number)) + between;
        if (!socket.write(text)) await once(socket, "drain");
      }
    },
  };
}

/** The codes in the ledger's file, as SQLite shows them; the daemon has ended. */
function codesOnDisk({ dataDir }: Site): Set<string> {
  const database = new Database(join(dataDir, "ledger.db"), { readonly: true });
  const codes = new Set<string>();
  for (const { bytes } of database.prepare("SELECT bytes FROM event WHERE kind = 'read'").iterate() as Iterable<{
    bytes: Buffer;
  }>)
    codes.add(/"code":"(SF1\d{12})"/.exec(bytes.toString())![1]!);
  database.close();
  return codes;
}

const gapsOnDisk = ({ dataDir }: Site): number => {
  const database = new Database(join(dataDir, "ledger.db"), { readonly: true });
  const { count } = database.prepare("SELECT count(*) AS count FROM event WHERE kind = 'gap'").get() as {
    count: number;
  };
  database.close();
  return count;
};

const peakBytes = ({ process }: Daemon): number =>
  1_024 * Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${process.pid}/status`, "utf8"))![1]);

async function start(site: Site): Promise<Daemon> {
  const daemon = await startDaemon(site);
  cleanups.push(() => daemon.end("SIGKILL"));
  return daemon;
}

/** A broker that gives all that it has, and a subscriber of it. */
async function openQuietMosquitto() {
  const broker = await openMosquitto(["allow_anonymous true", "max_queued_messages 0"]);
  const url = `mqtt://127.0.0.1:${broker.port}`;
  const subscriber = await openSubscriber(url);
  cleanups.push(
    () => broker.stop("SIGKILL"),
    () => subscriber.close(),
  );
  return { url, port: broker.port, subscriber };
}

describe("a scanner that sends faster than the disk takes it", () => {
  it("is made to wait: 200,000 codes as fast as TCP takes them all arrive, in bounded memory", async () => {
    const scanner = await openEagerScanner();
    const site = makeSite({ brokerUrl: `mqtt://127.0.0.1:${await freePort()}`, rest: oneScanner(scanner.port) });
    cleanups.push(() => site.remove());
    const daemon = await start(site);
    await scanner.send(200_000);
    await vi.waitFor(async () => {
      const { queue, readPoints } = await askStatus(site);
      expect([readPoints[0]!.openedCount, queue.uncommittedCount, queue.droppedCount]).toEqual([200_000, 0, 0]);
    }, patience);
    expect(logLines(daemon).map(({ name }) => name)).not.toContain("read/dropped");
    // It was held back, or this proves nothing.
    expect(logLines(daemon)).toContainEqual(expect.objectContaining({ name: "read/paused", reason: "overload" }));
    expect(peakBytes(daemon)).toBeLessThan(400_000_000);
    expect(await daemon.end()).toBe(0);
    expect(codesOnDisk(site).size).toBe(200_000);
    expect(gapsOnDisk(site)).toBe(0);
  }, 400_000);
});

describe("a full ledger that stops reading", () => {
  it("makes the scanner wait while the broker is away, and loses nothing once it is back", async () => {
    const [scanner, brokerPort] = [await openEagerScanner(), await freePort()];
    const site = makeSite({
      brokerUrl: `mqtt://127.0.0.1:${brokerPort}`,
      rest: `[queue]\nbytes_max = 16_000_000\nwhen_full = "stop-reading"\n${oneScanner(scanner.port)}`,
    });
    cleanups.push(() => site.remove());
    const daemon = await start(site);
    const socket = await scanner.called;
    const count = 40_000;
    const sent = scanner.send(count, "\r\n".repeat(1_500));
    await vi.waitFor(async () => {
      const { state, problem } = (await askStatus(site)).devices[0]!;
      expect([state, problem]).toEqual(["paused", expect.stringContaining("ledger is full")]);
    }, patience);
    // The sender feels it: its own buffer stays filled.
    await expect.poll(() => socket.writableNeedDrain, patience).toBe(true);
    const shown = await runCommand(["status", "--config", site.configPath]);
    expect(shown.code).toBe(1);
    expect(shown.stdout).toMatch(/scanner-1 .* paused for/);
    expect(shown.stdout).toMatch(/scanner-1: It is not read while the ledger is full[^\n]*\n {2}Try: bring the broker/);
    expect(logLines(daemon).filter(({ name }) => name === "read/paused").length).toBeLessThanOrEqual(2);

    const broker = await openMosquitto(["allow_anonymous true", "max_queued_messages 0"]);
    cleanups.push(() => broker.stop("SIGKILL"));
    const subscriber = await openSubscriber(`mqtt://127.0.0.1:${broker.port}`);
    cleanups.push(() => subscriber.close());
    const door = await openDoor(brokerPort, broker.port);
    cleanups.push(() => door.close());
    await sent;
    await vi.waitFor(() => expect(new Set(subscriber.codes()).size).toBe(count), patience);
    const { queue, readPoints } = await askStatus(site);
    expect([readPoints[0]!.openedCount, queue.droppedCount, queue.lostCount]).toEqual([count, 0, 0]);
    expect((await askStatus(site)).devices[0]!.state).toBe("up");
    expect(await daemon.end()).toBe(0);
    expect(subscriber.messages.filter(({ topic }) => topic.endsWith("/gap"))).toEqual([]);
    expect(existsSync(join(site.dataDir, "ledger.db"))).toBe(true);
  }, 600_000);

  /** A ledger that is full of what a partner with a view lacks, while the centre has all; its broker comes with `open`. */
  async function openPartnerAway() {
    const [scanner, port, centre, partner] = [
      await openEagerScanner(),
      await freePort(),
      await openQuietMosquitto(),
      await openQuietMosquitto(),
    ];
    const site = makeSite({
      brokerUrl: centre.url,
      broker: `[[broker]]\nname = "partner"\nurl = "mqtt://127.0.0.1:${port}"\n[broker.view]\n`,
      rest: `[queue]\nbytes_max = 16_000_000\nwhen_full = "stop-reading"\n${oneScanner(scanner.port)}`,
    });
    cleanups.push(() => site.remove());
    const daemon = await start(site);
    const socket = await scanner.called;
    const count = 25_000;
    const sent = scanner.send(count, "\r\n".repeat(1_500));
    sent.catch(() => {});
    await vi.waitFor(async () => {
      const { brokers, devices, queue } = await askStatus(site);
      expect(devices[0]).toMatchObject({ state: "paused", problem: expect.stringContaining("ledger is full") });
      // The centre does not wait for the partner.
      expect(brokers).toMatchObject([{ queuedCount: 0 }, { state: "down", queuedCount: queue.last }]);
    }, patience);
    const open = async (): Promise<void> => {
      const door = await openDoor(port, partner.port);
      cleanups.push(() => door.close());
    };
    /** Both have all; the partner has it as views, which name no number. */
    const settled = async (): Promise<void> => {
      await vi.waitFor(async () => {
        const { brokers, queue } = await askStatus(site);
        expect(brokers.map(({ queuedCount }) => queuedCount)).toEqual([0, 0]);
        expect([queue.uncommittedCount, queue.droppedCount, queue.lostCount]).toEqual([0, 0, 0]);
        const [all, own] = [centre, partner].map(({ subscriber }) => subscriber.sequences().size);
        expect([all, own]).toEqual([queue.last, queue.last]);
      }, patience);
      expect(partner.subscriber.messages.filter(({ text }) => /"SF1\d{12}"/.test(text))).toEqual([]);
    };
    return { site, daemon, socket, count, sent, open, settled, codes: centre.subscriber.codes };
  }

  it("R24 makes it wait for a partner with a view too; once that is back nothing is lost, and it has each event as a view", async () => {
    const { socket, count, sent, open, settled, codes } = await openPartnerAway();
    await expect.poll(() => socket.writableNeedDrain, patience).toBe(true);
    await open();
    await sent;
    await vi.waitFor(() => expect(new Set(codes()).size).toBe(count), patience);
    await settled();
  }, 600_000);

  it("R24 loses nothing of that partner's over restarts", async () => {
    const { site, daemon, open, settled } = await openPartnerAway();
    let last = daemon;
    for (let run = 0; run < 2; run += 1) {
      expect(await last.end()).toBe(0);
      last = await start(site);
      await vi.waitFor(async () => expect((await askStatus(site)).queue.full).toBe("bytes_max"), patience);
    }
    await open();
    await settled();
  }, 600_000);
});
