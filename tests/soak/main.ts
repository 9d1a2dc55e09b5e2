// `npm run soak -- --minutes 60 [--seed N] [--rate N]`: the built daemon under random traffic and random faults. Ends
// with 1 if anything certain is missing, doubled or altered, if memory or handles grow, or if the chain is not whole.
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { createRandom } from "../../simulator/belt/random.ts";
import { imbalances } from "../../src/control/index.ts";
import type { Status } from "../../src/control/status.ts";
import { openBelt, type Passed } from "./belt.ts";
import { createSoakDaemon, type Sample } from "./daemon.ts";
import { openSink } from "./sink.ts";

const { values: options } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    rate: { type: "string", default: "400" },
  },
});
const seed = Number(options.seed);
const random = createRandom(seed).fraction;
const durationMs = Number(options.minutes) * 60_000;
/** Before this share of the time the process is never ended, so that its memory can be judged. */
const killsFrom = 0.75;
/** What was on the wire this long before or after a fault that loses bytes may be gone, and nobody is to blame. */
const doubtMs = 4_000;
/** How often the daemon is asked whether its accounts add up. */
const auditMs = 3_000;

const sink = await openSink();
const belt = await openBelt(random, Number(options.rate));
const daemon = createSoakDaemon(belt, sink.port);
const samples: Sample[] = [];
/** Stretches of time in which bytes on a wire may have had no reader. */
const doubts: { from: number; to: number }[] = [];
const faultCounts: Record<string, number> = {};
const startedAt = performance.now();
const between = (low: number, high: number): number => low + random() * (high - low);
const say = (text: string): void => void process.stderr.write(`${new Date().toISOString()}  ${text}\n`);

async function restart(signal: NodeJS.Signals): Promise<void> {
  const from = performance.now() - doubtMs;
  await daemon.end(signal);
  await daemon.start();
  doubts.push({ from, to: performance.now() + doubtMs });
}

const faults: Readonly<Record<string, () => Promise<void>>> = {
  "broker away": async () => {
    const comeBack = await sink.leave();
    await pause(between(500, 20_000));
    await comeBack();
  },
  "broker silent": async () => {
    const thaw = sink.freeze();
    await pause(between(500, 15_000));
    thaw();
  },
  "connections cut": async () => (await sink.leave())(),
  "scanner hangs up": async () => {
    doubts.push({ from: performance.now() - doubtMs, to: performance.now() + doubtMs });
    belt.hangUp();
  },
  "daemon stands still": async () => {
    daemon.signal("SIGSTOP");
    await pause(between(200, 3_000));
    daemon.signal("SIGCONT");
  },
  "kill -9": () => restart("SIGKILL"),
  stop: () => restart("SIGTERM"),
};

async function torment(): Promise<void> {
  const names = Object.keys(faults);
  for (;;) {
    const leftMs = durationMs - (performance.now() - startedAt);
    if (leftMs < Math.min(30_000, durationMs / 5)) return pause(Math.max(0, leftMs));
    await pause(Math.min(leftMs, between(2_000, 25_000)));
    const mayKill = performance.now() - startedAt > durationMs * killsFrom;
    const choice = mayKill ? names : names.slice(0, 5);
    const name = choice[Math.floor(random() * choice.length)]!;
    faultCounts[name] = (faultCounts[name] ?? 0) + 1;
    say(`${name}; ${belt.passed.length} parcels, ${sink.events.size} events`);
    await faults[name]!();
  }
}

function isCertain({ at }: Passed): boolean {
  return !doubts.some(({ from, to }) => at >= from && at <= to);
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** Medians of a figure early and late in the life of the first process. */
function growth(key: "rssMegabytes" | "handleCount"): { early: number; late: number } {
  const within = (low: number, high: number): number[] =>
    samples
      .filter(({ atMs }) => atMs - startedAt >= durationMs * low && atMs - startedAt < durationMs * high)
      .map((sample) => sample[key]);
  return { early: medianOf(within(0.1, 0.3)), late: medianOf(within(0.55, killsFrom)) };
}

async function askStatus(): Promise<Status> {
  return JSON.parse(await daemon.command("status", "--json")) as Status;
}

/** What the accounts of reads and events said while all this went on. */
const audit = { count: 0, imbalances: [] as string[] };

async function auditUntil(ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    await pause(auditMs);
    const status = await askStatus().catch(() => undefined);
    // Nobody answers while the process stands still or starts.
    if (status === undefined) continue;
    audit.count += 1;
    audit.imbalances.push(...imbalances(status));
  }
}

async function drained(): Promise<Status> {
  for (;;) {
    const status = await askStatus();
    if (status.brokers.every(({ queuedCount }) => queuedCount === 0)) return status;
    await pause(1_000);
  }
}

say(`soak for ${options.minutes} minutes, seed ${seed}, in ${daemon.dir}`);
await daemon.start();
doubts.push({ from: 0, to: performance.now() + doubtMs });
const sampler = setInterval(() => {
  const sample = daemon.sample();
  if (sample !== undefined) samples.push(sample);
}, 2_000);
const ended = new AbortController();
const auditing = auditUntil(ended.signal);
await torment();
await belt.stop();
ended.abort();
await auditing;
clearInterval(sampler);
await pause(doubtMs);
const status = await drained();

const exported = join(daemon.dir, "whole.jsonl");
await daemon.command("queue", "export", "--reason", "soak", "--output", exported);
const main = fileURLToPath(new URL("../../sortgate.js", import.meta.url));
const trust = join(daemon.dir, "data/identity/device.crt");
const verdict = await promisify(execFile)(process.execPath, [main, "verify", exported, "--trust", trust], {
  maxBuffer: 2 ** 26,
}).catch((error: { stdout?: string }) => ({ stdout: error.stdout ?? "" }));
const { last } = status.queue;
await daemon.end("SIGTERM");

const undelivered = Array.from({ length: last }, (_, index) => index + 1).filter(
  (sequence) => !sink.events.has(sequence),
);
const missing = belt.passed.filter((parcel) => isCertain(parcel) && !sink.parcels.has(parcel.code));
audit.imbalances.push(...imbalances(status));
const memory = growth("rssMegabytes");
const handles = growth("handleCount");
const isWhole = /^whole/m.test(verdict.stdout);
const result = {
  minutes: Number(options.minutes),
  seed,
  faults: faultCounts,
  parcels: belt.passed.length,
  events: last,
  undelivered: undelivered.length,
  missingParcels: missing.length,
  doubledParcels: sink.counts.doubledParcels,
  repeated: sink.counts.repeated,
  altered: sink.counts.altered,
  lost: status.queue.lostCount,
  dropped: status.queue.droppedCount,
  audits: audit.count,
  imbalances: audit.imbalances.length,
  isWhole,
  rssMegabytes: { ...memory, most: Math.max(...samples.map(({ rssMegabytes }) => rssMegabytes)) },
  handles,
  walMegabytesMost: Math.max(...samples.map(({ walMegabytes }) => walMegabytes)),
};
process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
writeFileSync(join(process.cwd(), "soak-result.json"), `${JSON.stringify(result, undefined, 2)}\n`);
const problems = [
  undelivered.length > 0 && `${undelivered.length} events never arrived, the first is ${undelivered[0]}`,
  missing.length > 0 && `${missing.length} parcels without an event, the first is ${missing[0]?.code}`,
  sink.counts.doubledParcels > 0 && "parcels with two events",
  sink.counts.altered > 0 && "repeats with other bytes",
  audit.imbalances.length > 0 && `accounts that do not add up: ${audit.imbalances[0]}`,
  !isWhole && `the chain is not whole: ${verdict.stdout.slice(0, 500)}`,
  memory.late > memory.early * 1.15 + 10 && `memory grew from ${memory.early} to ${memory.late} MB`,
  handles.late > handles.early + 5 && `handles grew from ${handles.early} to ${handles.late}`,
].filter((problem) => problem !== false);
for (const problem of problems) say(`PROBLEM: ${problem}`);
if (problems.length === 0) {
  say("everything that was certain arrived, once, in one whole chain");
  daemon.remove();
}
await belt.close();
await sink.close();
process.exit(problems.length === 0 ? 0 : 1);
