import { openSync, readdirSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { setImmediate, setTimeout } from "node:timers/promises";
import { createRandom } from "../../../simulator/belt/random.ts";
import { createGuard, createRehearsal, createTokenKeys } from "../../../src/guard/index.ts";
import { carrierNames, guardSettings } from "../../../src/guard/settings.ts";
import { createCollecting } from "../../../src/lib/collector.ts";
import { programFolder } from "../../../src/lib/program-folder.ts";
import type { FirstRead } from "../../../src/model/observation.ts";
import { hostileBytes } from "../../guard/hostile.ts";

const plainCount = 200_000;
const labelRounds = 30;
const hostileRounds = 1_000;
const compileMs = 500;
/** So often, and so long, the thread rests: one that runs before all others is stopped by Linux after 950 ms of a second. */
const restMs = 60;
const workMs = 500;
const hostileSeed = 20_261_128;

/** What the guard costs, and what the same codes cost that only go through the pattern that people write for telephones. */
export interface GuardCost {
  readonly perSecond: number;
  /** Of the hostile code where it is highest. */
  readonly p99Ms?: number;
  /** Of all; without the time in which the thread had no core. */
  readonly worstMs?: number;
}

function observation(code: Uint8Array, symbology: string): FirstRead {
  return {
    kind: "first-read",
    passId: "9f0c3a1e-42",
    readPoint: "tunnel-1",
    device: "scanner-1",
    medium: "barcode",
    symbology,
    code,
    firstReadAt: 1_795_758_139_000,
    at: 1_795_758_139_002,
    monotonicMs: 81_234_567.123,
    antenna: undefined,
    rssiDbm: undefined,
  };
}

type Treat = (reads: readonly FirstRead[]) => unknown;

async function theGuard(core: "drop" | "mask" = "drop"): Promise<Treat> {
  const now = (): number => 1_795_758_139_000;
  const settings = guardSettings.parse({ carriers: [...carrierNames], core });
  const guard = createGuard({ settings, tokens: createTokenKeys(now) });
  // As the daemon does once it is ready; it has no garbage collected but what V8 collects.
  createCollecting();
  const rehearse = createRehearsal(settings);
  while (rehearse()) await setImmediate();
  // V8 compiles the last of it beside this thread, and takes its core meanwhile: done long before a daemon meets a hostile code.
  await setTimeout(compileMs);
  const clock = { boot: "9f0c3a1e", synced: true };
  return (reads) => {
    for (const read of reads) guard.clear(read, clock, true);
  };
}

/** Finds the telephone that it is looking for, in plain digits, and nothing else. */
function thePattern(): Treat {
  let cleaned = "";
  return (reads) => {
    for (const { code } of reads)
      cleaned = Buffer.from(code)
        .toString("utf8")
        .replace(/1[3-9]\d{9}/g, "***");
    return cleaned;
  };
}

function labels(): FirstRead[] {
  const folder = join(programFolder(), "tests/captures/guard");
  const cases = readdirSync(folder)
    .filter((name) => /^(?:contacts|fedex|gs1-labels|json|sf|text|ups|urls|usps|yto)\.json$/.test(name))
    .flatMap((name) => JSON.parse(readFileSync(join(folder, name), "utf8")).cases as Case[]);
  return cases.map(({ text, hex, symbology }) =>
    observation(hex === undefined ? Buffer.from(text!, "utf8") : Buffer.from(hex, "hex"), symbology ?? "]Q1"),
  );
}

interface Case {
  readonly text?: string;
  readonly hex?: string;
  readonly symbology?: string;
}

function waybills(): FirstRead[] {
  return Array.from({ length: 1_000 }, (_, n) =>
    observation(Buffer.from(`SF1${String(385_628_716_000 + n * 7)}`), "]C0"),
  );
}

/** Plain waybills, labels of the corpus, or hostile codes, through the guard or through the pattern. */
export async function guard(argument: string): Promise<GuardCost> {
  const [what, how] = argument.split(" ");
  // What is masked is searched and shown besides: hostile codes cost most there.
  const treat = how === "pattern" ? thePattern() : await theGuard(what === "hostile" ? "mask" : "drop");
  if (what === "hostile") return hostile(treat);
  const reads = what === "waybills" ? waybills() : labels();
  const rounds = what === "waybills" ? plainCount / reads.length : labelRounds;
  for (let round = 0; round < rounds / 2; round += 1) treat(reads);
  const { user, system } = process.cpuUsage();
  for (let round = 0; round < rounds; round += 1) treat(reads);
  const after = process.cpuUsage();
  return { perSecond: (rounds * reads.length * 1e6) / (after.user - user + after.system - system) };
}

async function hostile(treat: Treat): Promise<GuardCost> {
  const reads = hostileBytes.map(([, code]) => [observation(code, "]Q1")]);
  const millis: number[][] = reads.map(() => []);
  const random = createRandom(hostileSeed);
  const coreless = createCorelessMs();
  let worstMs = 0;
  let restedAt = performance.now();
  const total = hostileRounds * reads.length;
  for (let count = 0; count < total; count += 1) {
    // Each in its turn, some would meet most of V8's collections and others none.
    const index = random.between(0, reads.length - 1);
    const read = reads[index]!;
    const waitedMs = coreless();
    const startedAt = performance.now();
    treat(read);
    const tookMs = performance.now() - startedAt;
    millis[index]!.push(tookMs);
    worstMs = Math.max(worstMs, tookMs - (coreless() - waitedMs));
    if (performance.now() - restedAt < workMs) continue;
    await setTimeout(restMs);
    restedAt = performance.now();
  }
  for (const ofCode of millis) ofCode.sort((left, right) => left - right);
  const sum = millis.flat().reduce((total, one) => total + one, 0);
  return {
    perSecond: (total * 1_000) / sum,
    p99Ms: Math.max(...millis.map((ofCode) => ofCode[Math.floor(ofCode.length * 0.99)]!)),
    worstMs,
  };
}

/**
 * Milliseconds that this thread was ready and had no core to run on: of two cores V8's helpers and other processes take one
 * for 4 ms at a time, which is no cost of a code.
 *
 * Source: the second figure of /proc/thread-self/schedstat, ns (Linux, Documentation/scheduler/sched-stats.rst).
 */
function createCorelessMs(): () => number {
  const file = openSync("/proc/thread-self/schedstat", "r");
  const bytes = Buffer.alloc(128);
  return () => {
    const length = readSync(file, bytes, 0, bytes.length, 0);
    return Number(bytes.toString("latin1", 0, length).split(" ")[1]) / 1e6;
  };
}
