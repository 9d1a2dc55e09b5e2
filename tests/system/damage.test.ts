import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, describe, expect, it, vi } from "vitest";
import { imbalances } from "../../src/control/index.ts";
import {
  askStatus,
  aWaybill,
  type Daemon,
  framed,
  logLines,
  makeSite,
  oneScanner,
  openTcpScanner,
  startDaemon,
} from "../fakes/gateway.ts";
import { openLateBroker } from "../fakes/late-broker.ts";
import { freePort } from "../fakes/mosquitto.ts";
import { figure, count as shown } from "../figures.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A daemon whose broker is away at first. */
async function openRig() {
  const port = await freePort();
  const scanner = await openTcpScanner();
  const site = makeSite({ brokerUrl: `mqtt://127.0.0.1:${port}`, rest: oneScanner(scanner.port) });
  const daemons: Daemon[] = [];
  cleanups.push(
    () => site.remove(),
    () => scanner.close(),
    () => Promise.all(daemons.map((daemon) => daemon.end("SIGKILL"))),
  );
  return {
    site,
    path: join(site.dataDir, "ledger.db"),
    async start() {
      const daemon = await startDaemon(site);
      daemons.push(daemon);
      await scanner.connected();
      return daemon;
    },
    async pass(first: number, count: number) {
      const before = (await askStatus(site)).devices[0]!.readCount;
      for (let parcel = first; parcel < first + count; parcel += 1) scanner.send(framed(aWaybill(parcel)));
      await vi.waitFor(async () => {
        const { devices, queue } = await askStatus(site);
        expect([devices[0]!.readCount, queue.uncommittedCount]).toEqual([before + count, 0]);
      }, 20_000);
    },
    openBroker: () => openLateBroker(port, cleanups),
  };
}

/** Offsets of the text in a file. */
function placesOf(path: string, text: string): number[] {
  const bytes = readFileSync(path);
  const places: number[] = [];
  for (let at = bytes.indexOf(text); at !== -1; at = bytes.indexOf(text, at + 1)) places.push(at);
  return places;
}

function flip(path: string, at: number, mask = 1): void {
  const bytes = readFileSync(path);
  bytes[at]! ^= mask;
  writeFileSync(path, bytes);
}

const damagedFiles = (dir: string): string[] => readdirSync(dir).filter((name) => name.includes(".damaged-"));

interface Event {
  readonly id: string;
  readonly type: string;
  readonly data: Record<string, unknown>;
}

const eventsOf = (messages: readonly { readonly topic: string; readonly text: string }[]): Event[] =>
  messages.filter(({ topic }) => !topic.endsWith("/status")).map(({ text }) => JSON.parse(text) as Event);

describe("a ledger whose pages are damaged", () => {
  it("is moved aside whole; what can be read reaches the broker byte by byte, the rest is told by range", async () => {
    const rig = await openRig();
    const first = await rig.start();
    await rig.pass(0, 400);
    const { chain } = (await askStatus(rig.site)).chain;
    await first.end("SIGTERM");
    const whole = new Database(rig.path, { readonly: true });
    const stored = whole.prepare("SELECT sequence, bytes FROM event ORDER BY sequence").all() as {
      sequence: number;
      bytes: Buffer;
    }[];
    whole.close();
    // A page in the middle is gone, one event elsewhere has one flipped bit, and so has the last one.
    const page = Math.floor(placesOf(rig.path, aWaybill(200))[0]! / 4_096);
    const bytes = readFileSync(rig.path);
    bytes.fill(0, page * 4_096, (page + 1) * 4_096);
    writeFileSync(rig.path, bytes);
    flip(rig.path, placesOf(rig.path, aWaybill(50))[0]! + 5);
    flip(rig.path, placesOf(rig.path, "sortgate.checkpoint").at(-1)! + 3);
    const damagedBytes = readFileSync(rig.path);

    const subscriber = await rig.openBroker();
    const second = await rig.start();
    await rig.pass(1_000, 5);
    await vi.waitFor(async () => {
      const status = await askStatus(rig.site);
      expect(status.brokers[0]).toMatchObject({ queuedCount: 0, salvagedCount: 0 });
      expect(imbalances(status)).toEqual([]);
      expect(status.chain.chain).not.toBe(chain);
    }, 20_000);
    const [file, ...others] = damagedFiles(rig.site.dataDir).filter((name) => !/-(wal|shm)$|\.sent$/.test(name));
    expect(others).toEqual([]);
    expect(readFileSync(join(rig.site.dataDir, file!)).equals(damagedBytes)).toBe(true);

    const texts = new Set(subscriber.messages.map(({ text }) => text));
    const missing = stored.filter(({ bytes: event }) => !texts.has(event.toString())).map(({ sequence }) => sequence);
    const old = eventsOf(subscriber.messages).filter(({ id }) => id.includes(`/${chain}/`));
    expect(old.length).toBeGreaterThan(390);
    expect(new Set(old.map(({ id }) => id)).size + missing.length).toBe(stored.length);
    const gaps = eventsOf(subscriber.messages).filter(({ data }) => data.reason === "ledger-damaged");
    const told = gaps.flatMap(({ data }) => {
      const [from, to] = [Number(data.from), Number(data.to)];
      return Array.from({ length: to - from + 1 }, (_, index) => from + index);
    });
    expect(told).toEqual(missing);
    figure(
      "G8",
      "damage",
      `a page wiped and two bits flipped: ${shown(stored.length - missing.length)} of ${shown(stored.length)} events delivered byte by byte, the other ${missing.length} told by range`,
    );
    const alarm = eventsOf(subscriber.messages).find(({ data }) => data.alarm === "ledger-quarantined");
    expect(alarm?.data).toMatchObject({
      chain,
      file,
      salvaged: stored.length - missing.length,
      unreadable: missing.length,
    });
    expect(logLines(second)).toContainEqual(expect.objectContaining({ name: "ledger/damaged", level: "error", file }));
    // It is told once, and nothing is salvaged twice.
    await second.end("SIGTERM");
    const count = subscriber.messages.length;
    const third = await rig.start();
    expect(logLines(third).some(({ name }) => name === "ledger/damaged")).toBe(false);
    await third.end("SIGTERM");
    // Not after another damage either, when the ledger that knew it is moved aside too.
    flip(rig.path, placesOf(rig.path, "sortgate.checkpoint").at(-1)! + 3);
    const fourth = await rig.start();
    expect(logLines(fourth).filter(({ name }) => name === "ledger/damaged")).toHaveLength(1);
    await vi.waitFor(async () => {
      expect((await askStatus(rig.site)).brokers[0]).toMatchObject({ queuedCount: 0, salvagedCount: 0 });
    }, 20_000);
    await fourth.end("SIGTERM");
    expect(eventsOf(subscriber.messages.slice(count)).filter(({ id }) => id.includes(`/${chain}/`))).toEqual([]);
  }, 90_000);

  it("loses nothing of what stands whole in a log that is broken in the middle", async () => {
    const rig = await openRig();
    const first = await rig.start();
    for (let parcel = 0; parcel < 40; parcel += 1) await rig.pass(parcel, 1);
    await first.end("SIGKILL");
    const wal = `${rig.path}-wal`;
    // A page is written again with each event that comes to stand on it: the broken copy is not the last one.
    const [broken, ...later] = Array.from({ length: 10 }, (_, index) => placesOf(wal, aWaybill(10 + index)))
      .toSorted((a, b) => a.length - b.length)
      .at(-1)!;
    expect(later.length).toBeGreaterThan(0);
    flip(wal, broken! + 4);
    const before = readFileSync(wal);
    const subscriber = await rig.openBroker();
    const second = await rig.start();
    const all = Array.from({ length: 40 }, (_, parcel) => aWaybill(parcel));
    await vi.waitFor(() => expect(subscriber.codes()).toEqual(expect.arrayContaining(all)), 20_000);
    const kept = damagedFiles(rig.site.dataDir).find((name) => name.endsWith("-wal"));
    expect(readFileSync(join(rig.site.dataDir, kept!)).equals(before)).toBe(true);
    expect(logLines(second)).toContainEqual(expect.objectContaining({ name: "ledger/damaged" }));
  }, 60_000);
});

describe("a ledger whose first bytes are damaged", () => {
  it.each([
    ["the name of the format", [3, 4]],
    ["the mark of a ledger", [70, 71]],
    ["the mark of a ledger, which is gone,", [68, 72]],
    ["the version, which is gone,", [60, 64]],
    ["the version, which is an earlier one,", [63, 64]],
    ["the whole header", [0, 100]],
    ["the whole first page", [0, 4_096]],
  ] as const)(
    "in %s is known as a ledger by the rest of it, and gives up all that it holds",
    async (_what, [from, to]) => {
      const rig = await openRig();
      const first = await rig.start();
      await rig.pass(0, 100);
      await first.end("SIGTERM");
      const bytes = readFileSync(rig.path);
      if (to - from === 1) bytes[from]! -= 1;
      else bytes.fill(0, from, to);
      writeFileSync(rig.path, bytes);
      const subscriber = await rig.openBroker();
      await rig.start();
      const all = Array.from({ length: 100 }, (_, parcel) => aWaybill(parcel));
      await vi.waitFor(() => expect(subscriber.codes()).toEqual(expect.arrayContaining(all)), 20_000);
      expect(damagedFiles(rig.site.dataDir)).not.toEqual([]);
    },
    60_000,
  );
});

describe("a damaged event that is found while the daemon runs", () => {
  it("is skipped, counted and told; the rest is delivered", async () => {
    const rig = await openRig();
    const first = await rig.start();
    await rig.pass(0, 3_000);
    await first.end("SIGTERM");
    // So far from the end that the start does not look at it.
    flip(rig.path, placesOf(rig.path, aWaybill(30))[0]! + 5);
    const second = await rig.start();
    const subscriber = await rig.openBroker();
    await vi.waitFor(async () => {
      const status = await askStatus(rig.site);
      expect(status.brokers[0]).toMatchObject({ queuedCount: 0, lostCount: { damaged: 1 } });
      expect(imbalances(status)).toEqual([]);
    }, 30_000);
    expect(logLines(second)).toContainEqual(expect.objectContaining({ name: "ledger/damaged" }));
    const codes = new Set(subscriber.codes());
    expect(codes.size).toBe(2_999);
    expect(codes.has(aWaybill(30))).toBe(false);
    const gap = eventsOf(subscriber.messages).find(({ data }) => data.reason === "damaged");
    expect(gap?.data).toMatchObject({ count: 1, from: gap?.data.to });
    await second.end("SIGTERM");
    // The next start reads the whole file, finds SQLite content with it, and goes on.
    expect(existsSync(`${rig.path}.suspect`)).toBe(true);
    await rig.start();
    expect(existsSync(`${rig.path}.suspect`)).toBe(false);
    copyFileSync(rig.path, join(rig.site.dir, "copy.db"));
  }, 90_000);
});
