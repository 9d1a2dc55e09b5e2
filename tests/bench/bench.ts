// `npm run bench`: everything side by side, interleaved, several times. Prints medians, spread and ratios; writes
// bench.json, bench.md and bench.svg. Measures, and is no test: run it on an idle machine.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { breakProgram } from "../deep/rig/program.ts";
import { optionsOfFirstLine } from "../first-line.ts";
import { ceiling } from "./ceiling.ts";
import { barChart, page } from "./chart.ts";
import { floods } from "./peers/flood.ts";
import { leftOut, nodeRed, withNodeRedValue } from "./peers/node-red.ts";
import { nullBroker } from "./peers/null-broker.ts";
import { opcua, rest } from "./peers/opcua.ts";
import { outages, writeAhead } from "./peers/outage.ts";
import type { Bench } from "./peers/port.ts";
import { createReport, type Report, rowsOf, shown, table } from "./report.ts";
import { afternoonScript, built, mosquittoPub, sortgate } from "./rig/contenders.ts";
import { drain, idle, loopDelay, outage, slowDisk, startTime } from "./rig/daemon.ts";
import type { LoadOrder } from "./rig/load.ts";
import { installNodeRed } from "./rig/node-red.ts";
import { type BrokerKind, type Contender, type Measured, measure } from "./rig/processes.ts";
import { readyComparators } from "./stages/comparators.ts";
import type { DedupCost } from "./stages/dedup.ts";
import type { Cost } from "./stages/fixtures.ts";
import type { GuardCost } from "./stages/guard.ts";
import type { PublishCost } from "./stages/publish.ts";
import { judge, verdictText } from "./verdicts.ts";

const { values: options } = parseArgs({
  args: withNodeRedValue(process.argv.slice(2)),
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "5" },
    backlog: { type: "string", default: "1000000" },
    only: { type: "string", default: "" },
    out: { type: "string", default: "bench-result" },
    "node-red": { type: "string" },
  },
});
const rounds = Number(options.rounds);
const seconds = Number(options.seconds);
const backlogCount = Number(options.backlog);
/** Installed before anything is measured, so that a fault shows at once. */
const nodeRedContender = options["node-red"] === undefined ? undefined : installNodeRed(options["node-red"]);
const report = createReport();

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function stage<T>(name: string, argument: number | string = "", prefix: readonly string[] = []): T {
  const program = fileURLToPath(new URL("./stages/main.js", import.meta.url));
  const options = [...optionsOfFirstLine(built), "--expose-gc"];
  const [command, ...rest] = [...prefix, process.execPath, ...options, program, name, String(argument)];
  const { stdout, stderr, status } = spawnSync(command!, rest, { encoding: "utf8" });
  if (status !== 0) throw new Error(`stage ${name} failed: ${stderr}`);
  return JSON.parse(stdout) as T;
}

const both: LoadOrder["wires"] = ["serial", "tcp"];

function order(changes: Partial<LoadOrder>): LoadOrder {
  return { wires: both, pace: { window: 2_000 }, copies: 1, warmUpSeconds: 2, seconds, ...changes };
}

/** One run, with what went wrong told instead of thrown: one contender's failure must not cost the others' figures. */
async function run(
  scenario: string,
  contender: Contender,
  asked: LoadOrder,
  prefix: readonly string[] = [],
  broker: BrokerKind = "mosquitto",
): Promise<Measured | undefined> {
  try {
    const result = await measure(contender, asked, prefix, broker);
    say(
      `${scenario} · ${contender.name}: ${shown(result.received / result.seconds)} events/s, p99 ${shown(result.p99)} ms, missing ${result.missing}`,
    );
    return result;
  } catch (error) {
    say(`${scenario} · ${contender.name}: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}

/** As a small box has it; load, broker and subscriber have the other one. */
const oneCore = ["taskset", "--cpu-list", "0"];

/**
 * Before all other programs of the machine, where that is allowed: what is measured by the worst of 200,000 is else the
 * worst of its neighbours, which hold the core that V8's helpers are waited for on.
 */
const beforeOthers = ((command) => (spawnSync(command[0]!, [...command.slice(1), "true"]).status === 0 ? command : []))(
  ["chrt", "--rr", "10"],
);

const bench: Bench = { report, seconds, say, order, run };

async function throughput(): Promise<void> {
  const cases: readonly [scenario: string, contenders: Contender[], order: LoadOrder, prefix?: string[]][] = [
    ["S2 distinct events/s", [afternoonScript, sortgate(), mosquittoPub], order({})],
    ["S1 events/s at 5 reads each", [afternoonScript, sortgate()], order({ copies: 5 })],
    ["reads/s at 50 reads each", [afternoonScript, sortgate()], order({ copies: 50, pace: { window: 1_000 } })],
    ["S6 events/s, each fsync 5 ms slower", [afternoonScript, sortgate()], order({}), slowDisk(5)],
    ["R37 events/s on one core", [afternoonScript, sortgate()], order({}), oneCore],
  ];
  for (const [scenario, contenders, asked, prefix] of cases)
    for (const contender of contenders) {
      const result = await run(scenario, contender, asked, prefix);
      if (result === undefined) continue;
      const isReads = scenario.startsWith("reads");
      const factor = isReads ? asked.copies : 1;
      report.add(
        scenario,
        contender.name,
        isReads ? "reads/s" : "events/s",
        (result.received * factor) / result.seconds,
      );
      report.add(`${scenario}: lost`, contender.name, "events", result.missing);
      if (!scenario.startsWith("S2")) continue;
      report.add("CPU per event at full speed", contender.name, "µs", result.cpuMicros);
      report.add("RSS at full speed", contender.name, "MB", result.rssMegabytes);
      report.add("CPU of broker and load per event", contender.name, "µs", result.brokerMicros + result.loadMicros);
      report.add("bytes written to disk per event", contender.name, "bytes", result.writtenBytes);
    }
  await nullBroker(bench);
}

async function latency(): Promise<void> {
  for (const rate of [100, 1_000, 5_000])
    for (const contender of [afternoonScript, sortgate(), mosquittoPub]) {
      const result = await run(`latency at ${rate}/s`, contender, order({ pace: { rate } }));
      if (result === undefined) continue;
      for (const quantile of ["p50", "p99", "p999"] as const)
        report.add(`${quantile} at ${rate} events/s`, contender.name, "ms", result[quantile]);
      if (rate === 1_000) report.add("S9 CPU per event at 1,000/s", contender.name, "µs", result.cpuMicros);
    }
  for (const [rate, name] of [
    [100, "S7 p50"],
    [1_000, "p99"],
  ] as const)
    for (const contender of [afternoonScript, sortgate()]) {
      const result = await run(`slow disk, ${rate}/s`, contender, order({ pace: { rate } }), slowDisk(5));
      if (result === undefined) continue;
      report.add(
        `${name} at ${rate}/s, each fsync 5 ms slower`,
        contender.name,
        "ms",
        rate === 100 ? result.p50 : result.p99,
      );
    }
}

let comparators: ReadonlySet<string> | undefined;

function stages(): void {
  comparators ??= readyComparators(say);
  const beside = (name: string): string[] => (comparators?.has(name) ? [name] : []);
  for (const size of [1_000, 100_000, 1_000_000])
    for (const name of ["map", "ring", "lru-cache", ...(size === 100_000 ? beside("dedup.c") : [])]) {
      const { nsPerRead, worstMs, megabytes } = stage<DedupCost>(name, size);
      const label = size.toLocaleString("en-GB");
      report.add(`S15 de-duplication, ${label} live`, name, "ns/read", nsPerRead);
      report.add(`S16 worst 1,024 reads, ${label} live`, name, "ms", worstMs);
      if (size === 1_000_000) report.add("S17 memory, 1,000,000 live", name, "MB", megabytes);
    }
  for (const [scenario, unit, ...names] of [
    ["S12 seal", "µs", "sign", "seal", ...beside("openssl speed")],
    ["lease and settle", "µs", "lease-set", "lease"],
  ] as const)
    for (const name of names) report.add(scenario, name, unit, stage<Cost>(name).cpuMicros);
  for (const batch of [1, 10, 100, 1_000])
    for (const name of ["commits", "append", ...beside("append.c")])
      report.add(`S13 append, ${batch} a commit`, name, "events/s", stage<Cost>(name, batch).perSecond);
  for (const name of ["mqtt", "forward", ...beside("publish.c")]) {
    const { perSecond, cpuMicros, brokerMicros, subscriberMicros } = stage<PublishCost>(name);
    report.add("S14 publish, 256 in flight", name, "events/s", perSecond);
    report.add("publish: CPU with subscriber", name, "µs", cpuMicros);
    report.add("publish: CPU of the broker", name, "µs", brokerMicros);
    if (subscriberMicros !== undefined) report.add("publish: CPU of the subscriber", name, "µs", subscriberMicros);
  }
}

/** What the guard costs: beside the pattern that people write for telephones and nothing else, and on the whole path. */
async function guards(): Promise<void> {
  for (const what of ["waybills", "labels", "hostile"])
    for (const name of ["pattern", "guard"]) {
      const { perSecond, p99Ms, worstMs } = stage<GuardCost>(
        "guard",
        `${what} ${name}`,
        what === "hostile" ? beforeOthers : [],
      );
      report.add(`guard: ${what}`, name, "codes/s", perSecond);
      if (p99Ms !== undefined) report.add("guard: hostile, p99", name, "ms", p99Ms);
      if (worstMs !== undefined) report.add("guard: hostile, worst", name, "ms", worstMs);
    }
  await wholePath();
}

/** The whole path with plain waybills, and that of a copy in which every code is taken for a waybill, unlooked at. */
async function wholePath(): Promise<void> {
  const unguarded = breakProgram({
    file: "src/guard/classify.js",
    from: 'if (medium === "rfid")',
    to: 'if (medium === "barcode") return { codeClass: "waybill", code: text, carriers: ["sf"] };\nif (medium === "rfid")',
  });
  try {
    for (const contender of [sortgate(), { ...sortgate({ main: unguarded.main }), name: "without the guard" }]) {
      const result = await run("guard: whole path", contender, order({}));
      if (result === undefined) continue;
      report.add("guard: whole path", contender.name, "events/s", result.received / result.seconds);
      report.add("guard: whole path, CPU per event", contender.name, "µs", result.cpuMicros);
    }
  } finally {
    unguarded.remove();
  }
}

async function daemon(): Promise<void> {
  await rest(bench);
  const { rssMegabytes, cpuShare } = await idle(10);
  report.add("S22 RSS at rest", "sortgate", "MB", rssMegabytes);
  report.add("CPU at rest", "sortgate", "% of a core", cpuShare * 100);
  const bare = performance.now();
  execFileSync(process.execPath, ["-e", "0"]);
  report.add("S23 start", "node -e 0", "ms", performance.now() - bare);
  const emptyDir = join(options.out, "empty-data");
  // The first start of all draws an RSA key, which takes as long as luck will have it.
  if (!existsSync(emptyDir)) await startTime(emptyDir);
  report.add("S23 start", "sortgate", "ms", await startTime(emptyDir));
  const { p99, max } = await loopDelay(200);
  report.add("main thread away while fsync takes 200 ms", "p99", "ms", p99);
  report.add("main thread away while fsync takes 200 ms", "worst", "ms", max);
}

async function backlog(): Promise<void> {
  const left = await outage(backlogCount, 6_000);
  report.add("S19 RSS in an outage", "sortgate", "MB", left.rssMegabytes);
  report.add("WAL in an outage", "sortgate", "MB", left.walMegabytes);
  report.add("start with the backlog", "sortgate", "ms", await startTime(left.dataDir));
  const result = await drain(left.dataDir, backlogCount, 500, backlogCount / 8_000);
  report.add("S18 drain beside 500 live events/s", "sortgate", "events/s", result.backlog / result.backlogSeconds);
  report.add("p99 of live events while draining", "sortgate", "ms", result.p99);
  report.add("RSS while draining", "sortgate", "MB", result.rssMegabytesPeak);
}

function charts(from: Report): string {
  const series = (names: readonly string[], labels: readonly (readonly [string, string])[]) =>
    names.map((name) => ({
      name,
      points: labels.map(([label, scenario]) => ({ label, value: from.median(scenario, name) })),
    }));
  const rates = [100, 1_000, 5_000].map((rate) => [`${rate}/s`, `p99 at ${rate} events/s`] as const);
  const names = ["afternoon script", "sortgate", "mosquitto_pub -l"];
  return page([
    (y) =>
      barChart(
        "Throughput, from the wire to a subscriber",
        "events/s",
        series(names, [
          ["distinct", "S2 distinct events/s"],
          ["5 reads each", "S1 events/s at 5 reads each"],
          ["slow disk", "S6 events/s, each fsync 5 ms slower"],
        ]),
        y,
      ),
    (y) => barChart("Latency against load, 99 of 100 events", "ms", series(names, rates), y),
  ]);
}

const sections: Readonly<Record<string, () => void | Promise<void>>> = {
  throughput,
  latency,
  stages,
  guards,
  daemon,
  outage: () => outages(bench),
  wal: () => writeAhead(bench),
  flood: () => floods(bench),
  opcua: () => opcua(bench),
  ...(nodeRedContender === undefined ? {} : { "node-red": () => nodeRed(bench, nodeRedContender) }),
};
const chosen = options.only.split(",").filter(Boolean);
const names = [...Object.keys(sections), "backlog"];
const unknown = chosen.find((name) => !names.includes(name));
if (unknown !== undefined) {
  say(`Error: the bench has no section "${unknown}"\nTry: --only ${names.join(",")}, or some of them`);
  process.exit(2);
}
const isChosen = (name: string): boolean => chosen.length === 0 || chosen.includes(name);
mkdirSync(options.out, { recursive: true });
for (let round = 1; round <= rounds; round += 1)
  for (const [name, section] of Object.entries(sections)) {
    if (!isChosen(name)) continue;
    say(`round ${round} of ${rounds}: ${name}`);
    await section();
  }
if (isChosen("backlog")) await backlog();

const text = table(["scenario", "who", "median", "unit", "spread", "to baseline"], rowsOf(report));
const found = { median: report.median, cores: cpus().length };
const closing = chosen.length === 0 ? ceiling(found.median, found.cores) : [];
const verdicts = judge(found);
const remarks = [...closing, ...(nodeRedContender === undefined ? [leftOut] : [])];
const said = `${[text, remarks.join("\n"), verdictText(verdicts)].filter(Boolean).join("\n\n")}\n`;
process.stdout.write(said);
const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version };
const json = { machine, rounds, seconds, figures: report.figures(), ceiling: closing, verdicts };
writeFileSync(join(options.out, "bench.json"), `${JSON.stringify(json, undefined, 2)}\n`);
writeFileSync(join(options.out, "bench.md"), said);
if (chosen.length === 0) writeFileSync(join(options.out, "bench.svg"), charts(report));
process.exit(0);
