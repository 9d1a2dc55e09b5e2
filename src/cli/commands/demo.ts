import { type Command, Option } from "commander";
import type { DemoSummary } from "../../../simulator/index.ts";
import { exitCodes } from "../exit-code.ts";
import type { Output } from "../output.ts";
import { jsonOption } from "../program.ts";
import { wholeNumber } from "../whole-number.ts";

interface DemoOptions {
  readonly seconds?: number;
  readonly seed?: number;
  readonly rate: number;
  readonly keep?: boolean;
}

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

function say(milliseconds: number | undefined): string {
  return milliseconds === undefined ? "-" : `${milliseconds.toFixed(1)} ms`;
}

function printSummary(summary: DemoSummary, output: Output): void {
  const isFine = summary.problems.length === 0;
  const bad = (count: number): { text: string; tone: "good" | "bad" } => ({
    text: String(count),
    tone: count === 0 ? "good" : "bad",
  });
  output.line();
  output.line("Summary", "strong");
  output.table([
    ["parcels passed", String(summary.parcelCount)],
    ["reads sent", String(summary.readCount)],
    ["events expected", String(summary.expectedCount)],
    ["events received", String(summary.eventCount)],
    ["duplicates", bad(summary.duplicateCount)],
    ["missing", bad(summary.missingCount)],
    ["unverified", bad(summary.unverifiedCount)],
    ["personal data", `${summary.personalDataPlanted} on labels, ${summary.personalDataFound} found`],
    ["chain", summary.chain],
    ["latency", `p50 ${say(summary.latencyP50Ms)}, p99 ${say(summary.latencyP99Ms)}`],
    ...(summary.repeatCount > 0 ? [["delivered again", String(summary.repeatCount)]] : []),
    ...(summary.keptIn === undefined ? [] : [["files kept in", summary.keptIn]]),
  ]);
  for (const problem of summary.problems) output.line(problem, "bad");
  if (summary.logLines.length > 0) output.line("Its last lines:", "dim");
  for (const line of summary.logLines) output.line(`  ${line}`, "dim");
  if (isFine)
    output.line(
      summary.parcelCount === 0
        ? "Stopped before the belt ran."
        : "Every parcel's event arrived once, signed and in its chain.",
      "good",
    );
}

async function runDemo(options: DemoOptions, output: Output): Promise<void> {
  // Loaded only now: the help of all commands must not pay for a broker.
  const { startDemo } = await import("../../../simulator/index.ts");
  const { stdout } = process;
  const demo = startDemo({
    seconds: options.seconds,
    seed: options.seed ?? Math.floor(Math.random() * 1_000_000),
    parcelsPerSecond: options.rate,
    keep: options.keep ?? false,
    terminal: {
      isTTY: stdout.isTTY === true,
      rows: stdout.rows,
      columns: stdout.columns,
      write: (text) => {
        if (!output.asJson) output.block(text);
      },
    },
  });
  const onSignal = (): void => {
    if (demo.interrupt() === "ended") process.exit(exitCodes.problem);
  };
  for (const signal of signals) process.on(signal, onSignal);
  try {
    const summary = await demo.finished;
    if (output.asJson) output.json(summary);
    else printSummary(summary, output);
    if (summary.problems.length > 0) output.exitCode = exitCodes.problem;
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
  }
}

/** `sortgate demo`: the gateway on a virtual line, with nothing to install or configure. */
export function addDemo(program: Command, output: Output): void {
  program
    .command("demo")
    .description("run the gateway on a virtual sorting line and check every event that comes out")
    .addOption(
      new Option("--seconds <n>", "stop by itself after the belt ran this long").argParser(wholeNumber(1, 86_400)),
    )
    .addOption(new Option("--rate <n>", "parcels a second").argParser(wholeNumber(1, 100)).default(4))
    .addOption(new Option("--seed <n>", "the same parcels again").argParser(wholeNumber(0, 4_294_967_295)))
    .option("--keep", "keep config, ledger, log and captured events of the run")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExit codes:\n  0  every parcel's event arrived once and verified\n  1  something is missing, doubled or unverified\n\nExamples:\n  sortgate demo\n  sortgate demo --seconds 20\n  sortgate demo --seconds 20 --rate 20 --seed 7 --keep\n",
    )
    .action((options: DemoOptions) => runDemo(options, output));
}
