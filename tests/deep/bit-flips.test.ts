import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { createRandom } from "../../simulator/belt/random.ts";
import { askStatus, aWaybill, framed, spawnDaemon } from "../fakes/gateway.ts";
import { freePort } from "../fakes/mosquitto.ts";
import { count, figure } from "../figures.ts";
import { openScriptedBroker, type ScriptedBroker } from "./rig/broker.ts";
import { defer } from "./rig/defer.ts";
import { eventsOf, openLine } from "./rig/line.ts";
import { breakProgram } from "./rig/program.ts";

const parcels = 2_000;
const half = parcels / 2;
/** Events that the broker has before the damage is done. */
const delivered = 100;
const files = ["ledger.db", "ledger.db-wal"] as const;
const rounds = [1, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 100];

/**
 * Where the transaction begins that brought the last event into a log. What is broken behind that looks like a write that
 * power cut short, of which nobody was told.
 */
function lastEventAt(log: Buffer, lastId: string): number {
  const frameBytes = 24 + 4_096;
  const eventAt = log.indexOf(lastId);
  let start = 32;
  // Source: SQLite file format §4.1. A frame that ends a transaction tells the size of the database.
  for (let at = 32; at + frameBytes <= eventAt; at += frameBytes)
    if (log.readUInt32BE(at + 4) !== 0) start = at + frameBytes;
  return start;
}

interface Told {
  readonly id: string;
  readonly data: { readonly reason?: string; readonly from?: string; readonly to?: string };
}

/** Sequences of the old chain that gap events account for. */
function toldBy(broker: ScriptedBroker): Set<number> {
  const told = new Set<number>();
  for (const { bytes } of broker.events) {
    const { data } = JSON.parse(bytes.toString()) as Told;
    if (data.reason !== "ledger-damaged" && data.reason !== "damaged") continue;
    for (let sequence = Number(data.from); sequence <= Number(data.to); sequence += 1) told.add(sequence);
  }
  return told;
}

/** A site with a killed daemon's ledger: some events were delivered, most wait, and many of these stand in the log. */
async function makeDamageable() {
  const port = await freePort();
  const line = await openLine({ brokerUrl: `mqtt://127.0.0.1:${port}` }, defer);
  const { site, scanner, start } = line;
  const pass = async (from: number, to: number): Promise<void> => {
    const before = (await askStatus(site)).devices[0]!.readCount;
    for (let parcel = from; parcel < to; parcel += 1) scanner.send(framed(aWaybill(parcel)));
    await vi.waitFor(async () => {
      const { devices, queue } = await askStatus(site);
      expect([devices[0]!.readCount, queue.uncommittedCount]).toEqual([before + to - from, 0]);
    }, 20_000);
  };
  const early = await start();
  const first = await openScriptedBroker({ port });
  await pass(0, delivered);
  const drained = { state: "up", queuedCount: 0 };
  await vi.waitFor(async () => expect((await askStatus(site)).brokers[0]).toMatchObject(drained), 30_000);
  const had = first.distinct();
  await first.close();
  await pass(delivered, half);
  // The log is folded into the file, so that some events stand in one of them only.
  expect(await early.end()).toBe(0);
  const late = await start();
  for (let from = half; from < parcels; from += 50) await pass(from, from + 50);
  await late.end("SIGKILL");
  const copy = mkdtempSync(join(tmpdir(), "sortgate-flips-"));
  defer(() => rmSync(copy, { recursive: true, force: true }));
  cpSync(site.dataDir, join(copy, "data"), { recursive: true });
  cpSync(site.dataDir, join(copy, "look"), { recursive: true });
  const originals = eventsOf(join(copy, "look"));
  const { id } = JSON.parse(Buffer.from(originals.get(1)!.bytes).toString()) as Told;
  return { ...line, port, had, originals, pristine: join(copy, "data"), chain: id.split("/")[1]! };
}

type Damageable = Awaited<ReturnType<typeof makeDamageable>>;

interface Outcome {
  /** Sequences of events that came out with other bytes than they were signed with. */
  readonly altered: number[];
  readonly lostCount: number;
  /** Sequences that nobody got and no gap event tells of. */
  readonly untold: number[];
  readonly isRefused: boolean;
}

/** Restores the ledger, flips bits in one of its files, and looks at what the next daemon makes of that. */
async function flipped(
  rig: Damageable,
  file: string,
  bits: number,
  random: () => number,
  main?: string,
): Promise<Outcome> {
  const { site, port, had, originals, pristine, chain } = rig;
  rmSync(site.dataDir, { recursive: true });
  cpSync(pristine, site.dataDir, { recursive: true });
  const path = join(site.dataDir, file);
  const bytes = readFileSync(path);
  const end = file === "ledger.db" ? bytes.length : lastEventAt(bytes, `/${chain}/${originals.size}"`);
  for (let bit = 0; bit < bits; bit += 1) bytes[Math.floor(random() * end)]! ^= 1 << Math.floor(random() * 8);
  writeFileSync(path, bytes);
  const broker = await openScriptedBroker({ port });
  const daemon = spawnDaemon(site, main === undefined ? {} : { main });
  defer(() => daemon.end("SIGKILL"));
  try {
    const state = { state: "up", queuedCount: 0, salvagedCount: 0 };
    const drained = vi.waitFor(async () => expect((await askStatus(site)).brokers[0]).toMatchObject(state), 40_000);
    const ended = await Promise.race([daemon.gone(), drained]);
    if (typeof ended === "number") {
      expect(ended).toBe(74);
      expect(daemon.output.stderr).toMatch(/^Error: .+\nTry: .+\n$/);
      expect(readFileSync(path).equals(bytes)).toBe(true);
      return { altered: [], lostCount: 0, untold: [], isRefused: true };
    }
    expect(await daemon.end()).toBe(0);
    const old = broker.events.filter(
      ({ sequence, bytes: event }) => sequence <= originals.size && event.includes(`/${chain}/`),
    );
    const arrived = new Set([...had.keys(), ...old.map(({ sequence }) => sequence)]);
    const missing = [...originals.keys()].filter((sequence) => !arrived.has(sequence));
    const told = toldBy(broker);
    return {
      altered: old
        .filter((event) => !event.bytes.equals(originals.get(event.sequence)!.bytes))
        .map(({ sequence }) => sequence),
      lostCount: missing.length,
      untold: missing.filter((sequence) => !told.has(sequence)),
      isRefused: false,
    };
  } finally {
    await broker.close();
  }
}

describe("G8 flipped bits", () => {
  it("G8 alter no event unseen: each is delivered as it was signed, or told by its range", async () => {
    const rig = await makeDamageable();
    const seed = Date.now() % 1_000_000;
    const random = createRandom(seed).fraction;
    const sums = { flips: 0, lost: 0 };
    for (const [round, bits] of rounds.entries()) {
      const file = files[round % 2]!;
      const { lostCount, altered, untold } = await flipped(rig, file, bits, random);
      expect({ altered, untold }, `seed ${seed}, round ${round}: ${bits} bits in ${file}`).toEqual({
        altered: [],
        untold: [],
      });
      sums.flips += bits;
      sums.lost += lostCount;
    }
    const what = `${sums.flips} random bits flipped in ${rounds.length} ledgers and logs of ${count(rig.originals.size)} events`;
    figure(
      "G8",
      "flips",
      `${what}: ${count(sums.lost)} events unreadable, each told by its range; 0 altered, 0 missing untold`,
    );
  }, 400_000);

  it("G8 come out unseen where no event is held against its hash or its signature", async () => {
    const trusting = breakProgram(
      { file: "src/workers/sound.js", from: "link === hashAt(row) || isSigned(row)", to: "true" },
      { file: "src/workers/salvage.js", from: "check.isSigned(row.bytes)", to: "true" },
    );
    defer(() => trusting.remove());
    const rig = await makeDamageable();
    const { altered } = await flipped(rig, "ledger.db", 300, createRandom(7).fraction, trusting.main);
    expect(altered.length).toBeGreaterThan(0);
  }, 120_000);
});
