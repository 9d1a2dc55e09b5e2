import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { aWaybill, framed, runCommand, type TcpScanner } from "../fakes/gateway.ts";
import { openScriptedBroker, type ScriptedBroker } from "./rig/broker.ts";
import { defer } from "./rig/defer.ts";
import { openLine } from "./rig/line.ts";
import { breakProgram } from "./rig/program.ts";
import { clockFrom } from "./rig/wrong-clock.ts";

const person = { name: "欧阳鹃莲", mobile: "18612345779" };
const dayMs = 86_400_000;

interface StoredEvent {
  readonly type: string;
  readonly sequence: number;
  readonly time: string;
  readonly data: Readonly<Record<string, unknown>>;
}

function eventsOf(broker: ScriptedBroker): StoredEvent[] {
  return [...broker.distinct()]
    .sort(([one], [other]) => one - other)
    .map(([sequence, bytes]) => ({ ...(JSON.parse(bytes.toString()) as StoredEvent), sequence }));
}

const audits = (broker: ScriptedBroker, action: string): StoredEvent[] =>
  eventsOf(broker).filter(({ type, data }) => type === "org.sortgate.audit.v1" && data.action === action);

const readOf = (broker: ScriptedBroker, code: string): StoredEvent | undefined =>
  eventsOf(broker).find(({ type, data }) => type === "org.sortgate.read.v1" && data.code === code);

interface Box {
  readonly broker: ScriptedBroker;
  readonly scanner: TcpScanner;
  readonly dir: string;
  /** Sets its clock off by so many seconds. */
  setClock(seconds: number): void;
  /** A label of the person passes, with the number of this parcel. */
  pass(parcel: number): Promise<StoredEvent>;
  stop(): Promise<number | null>;
}

/** A line whose clock can be set, with a key of the centre beside its config. */
async function openBox(settings: {
  readonly offset: number;
  readonly guard?: string;
  readonly main?: string;
}): Promise<Box> {
  const broker = await openScriptedBroker();
  defer(() => broker.close());
  const { site, scanner, start } = await openLine({ brokerUrl: broker.url, more: settings.guard ?? "" }, defer);
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  writeFileSync(join(site.dir, "centre.pem"), publicKey.export({ type: "spki", format: "pem" }));
  const clockFile = join(site.dir, "clock");
  const setClock = (seconds: number): void =>
    writeFileSync(clockFile, `${seconds < 0 ? "" : "+"}${Math.round(seconds)}\n`);
  setClock(settings.offset);
  const { main } = settings;
  const daemon = await start({ env: clockFrom(clockFile), ...(main === undefined ? {} : { main }) });
  writeFileSync(join(site.dir, "centre.key"), privateKey.export({ type: "pkcs8", format: "pem" }));
  return {
    ...{ broker, scanner, dir: site.dir, setClock },
    async pass(parcel) {
      const label = JSON.stringify({ waybillNo: aWaybill(parcel), receiver: person });
      scanner.send(framed(Buffer.from(label).toString("latin1")));
      return vi.waitFor(() => {
        const event = readOf(broker, aWaybill(parcel));
        expect(event).toBeDefined();
        return event!;
      }, 20_000);
    },
    stop: () => daemon.end(),
  };
}

/** Seconds from now to half an hour before the next midnight of UTC. */
const toEvening = (): number => (dayMs - (Date.now() % dayMs)) / 1_000 - 1_800;

/** Labels before and behind midnight; gives the reports that were there before the daemon stopped, and all. */
async function overMidnight(main?: string): Promise<{ before: StoredEvent[]; all: StoredEvent[] }> {
  const evening = toEvening();
  const { broker, scanner, setClock, pass, stop } = await openBox({
    offset: evening,
    ...(main === undefined ? {} : { main }),
  });
  scanner.send(framed(person.mobile));
  for (const parcel of [1, 2, 3]) await pass(parcel);
  setClock(evening + 3_600);
  if (main === undefined) await vi.waitFor(() => expect(audits(broker, "labels")).toHaveLength(1), 20_000);
  await pass(4);
  const before = audits(broker, "labels");
  expect(await stop()).toBe(0);
  for (const { data } of eventsOf(broker))
    for (const secret of Object.values(person)) expect(JSON.stringify(data)).not.toContain(secret);
  return { before, all: audits(broker, "labels") };
}

describe("R53 the report of labels", () => {
  it("R53 comes at midnight, with what was counted before it, and at the stop with the rest", async () => {
    const { before, all } = await overMidnight();
    expect(all).toHaveLength(2);
    const [first, last] = all as [StoredEvent, StoredEvent];
    expect(before).toEqual([first]);
    expect(Date.parse(first.time) % dayMs).toBeLessThan(3_600_000);
    expect(new Date(String(first.data.from)).getUTCHours()).toBe(23);
    const counts = ({ data: { labelCount, leakingCount } }: StoredEvent): unknown => [labelCount, leakingCount];
    // The telephone that stands alone is a label too.
    const [ahead, behind] = [counts(first), counts(last)];
    expect([ahead, behind]).toEqual([
      [4, 4],
      [1, 1],
    ]);
    expect(first.data.leaking).toContainEqual({ format: "json", shipper: "SF10", kinds: ["name", "phone"], count: 3 });
  });

  it("R53 comes only at the stop where nobody looks at the day", async () => {
    const broken = breakProgram({
      file: "src/pipeline.js",
      from: "Math.floor(now.wallMs / dayMs) !== labelDay",
      to: "false",
    });
    defer(() => broken.remove());
    const { before, all } = await overMidnight(broken.main);
    expect([before.length, all.length]).toEqual([0, 1]);
  });
});

const sealing = 'core = "seal"\nseal_key_file = "centre.pem"\n';

/** The ids of the content keys of labels at nought, nine and eleven minutes. */
async function keysOverTime(main?: string): Promise<{ box: Box; keys: unknown[]; uses: StoredEvent[] }> {
  const box = await openBox({ offset: 0, guard: sealing, ...(main === undefined ? {} : { main }) });
  const uses: StoredEvent[] = [];
  for (const [parcel, minutes] of [0, 9, 11].entries()) {
    box.setClock(minutes * 60);
    uses.push(await box.pass(parcel));
  }
  return { box, uses, keys: uses.map(({ data }) => (data.sealed as { key: string }).key) };
}

describe("R15 the key that labels are sealed with", () => {
  it("R15 is another after ten minutes; each stands in the chain before its first use, and the centre opens all", async () => {
    const { box, keys, uses } = await keysOverTime();
    expect(keys[0]).toBe(keys[1]);
    expect(keys[2]).not.toBe(keys[0]);
    const told = audits(box.broker, "seal-key");
    expect(told.map(({ data }) => data.key)).toEqual([keys[0], keys[2]]);
    expect(told[0]!.sequence).toBeLessThan(uses[0]!.sequence);
    expect(told[1]!.sequence).toBeLessThan(uses[2]!.sequence);
    expect(told[1]!.sequence).toBeGreaterThan(uses[1]!.sequence);
    expect(await box.stop()).toBe(0);
    const events = join(box.dir, "events.jsonl");
    writeFileSync(events, [...box.broker.distinct().values()].map((bytes) => `${bytes}\n`).join(""));
    const opened = await runCommand(["open", events, "--key", join(box.dir, "centre.key"), "--json"]);
    expect([opened.code, opened.stdout.split(person.mobile).length - 1]).toEqual([0, 3]);
  });

  it("R15 stays the same where ten minutes are taken for a year", async () => {
    const broken = breakProgram({
      file: "src/model/limits.js",
      from: "sealKeyMs: 600_000",
      to: "sealKeyMs: 31_536_000_000",
    });
    defer(() => broken.remove());
    const { keys } = await keysOverTime(broken.main);
    expect(new Set(keys).size).toBe(1);
  });
});
