import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { type Command, Option } from "commander";
import type { Simulation } from "../../../simulator/index.ts";
import { pause } from "../../lib/clock.ts";
import { SortgateError, systemCode } from "../../model/error.ts";
import type { Output } from "../output.ts";
import { jsonOption } from "../program.ts";
import { wholeNumber } from "../whole-number.ts";

interface SimulateOptions {
  readonly seconds?: number;
  readonly seed?: number;
  readonly rate: number;
  readonly configOut?: string;
  readonly force?: true;
}

const countsEveryMs = 5_000;

async function writeConfig(path: string, config: string, force: boolean): Promise<void> {
  await writeFile(path, config, { mode: 0o600, flag: force ? "w" : "wx" }).catch((cause: unknown) => {
    if (systemCode(cause) === "EEXIST") throw alreadyThere(path, cause);
    throw new SortgateError("usage/invalid", `Cannot write the config to ${path} (${systemCode(cause)})`, {
      cause,
      hint: "name a file in a directory that you may write to: --config-out ./virtual-line.toml",
    });
  });
}

function alreadyThere(path: string, cause?: unknown): SortgateError {
  return new SortgateError("config/exists", `Cannot write ${path}: it exists already`, {
    hint: "name another file, or overwrite it with --force",
    cause,
  });
}

function printLine(simulation: Simulation, configOut: string | undefined, output: Output): void {
  const { serialPath, tcpPort, opcuaEndpoint } = simulation.addresses;
  output.line("A virtual sorting line is running. Its devices:", "strong");
  output.table([
    ["scanner-1", "serial", serialPath, "line-barcode"],
    ["scanner-2", "tcp", `127.0.0.1:${tcpPort}`, "stx-etx-barcode"],
    ["rfid-1", "opcua", opcuaEndpoint, "mode autoid, security none"],
  ]);
  output.line();
  if (configOut === undefined) {
    output.line("A config for a gateway on it (with --config-out FILE it is written to a file):", "strong");
    output.block(simulation.config);
  } else
    output.line(`A config for a gateway on it is in ${configOut}; start it with: sortgate run --config ${configOut}`);
  output.line("Ctrl-C stops the line.", "dim");
}

function printCounts(simulation: Simulation, output: Output): void {
  const counts = simulation.counts();
  if (output.asJson) {
    output.json(counts);
    return;
  }
  const unsent = counts.unsentCount > 0 ? `, ${counts.unsentCount} frames not sent because nobody was connected` : "";
  output.line(
    `${counts.parcelCount} parcels: ${counts.scannerReadCount} barcode reads, ${counts.noReadCount} no-reads, ${counts.tagReadCount} tag reads, ${counts.noiseCount} heartbeats and noises${unsent}`,
  );
}

async function runSimulate(options: SimulateOptions, output: Output): Promise<void> {
  const isForced = options.force === true;
  // Asked before the line is opened too, which takes seconds; the write itself is what refuses for sure.
  if (options.configOut !== undefined && !isForced && existsSync(options.configOut))
    throw alreadyThere(options.configOut);
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, onSignal);
  if (!output.asJson) output.line("Opening the virtual line; its OPC UA server takes about five seconds …", "dim");
  // Loaded only now: the help of all commands must not pay for an OPC UA server.
  const { openSimulation } = await import("../../../simulator/index.ts");
  const seed = options.seed ?? Math.floor(Math.random() * 1_000_000);
  const simulation = await openSimulation({ seed, parcelsPerSecond: options.rate });
  try {
    if (options.configOut !== undefined) await writeConfig(options.configOut, simulation.config, isForced);
    if (output.asJson) output.json({ ...simulation.addresses, seed, config: simulation.config });
    else printLine(simulation, options.configOut, output);
    const endAtMs = performance.now() + (options.seconds ?? Number.POSITIVE_INFINITY) * 1_000;
    while (!stop.signal.aborted && performance.now() < endAtMs) {
      await pause(Math.min(countsEveryMs, endAtMs - performance.now()), stop.signal);
      printCounts(simulation, output);
    }
  } finally {
    await simulation.close();
  }
}

/** `sortgate simulate`: a virtual line for a gateway that runs elsewhere on this machine. */
export function addSimulate(program: Command, output: Output): void {
  program
    .command("simulate")
    .description("run a virtual sorting line: two barcode scanners and an RFID reader to connect a gateway to")
    .addOption(new Option("--rate <n>", "parcels a second").argParser(wholeNumber(1, 100)).default(4))
    .addOption(new Option("--seed <n>", "the same parcels again").argParser(wholeNumber(0, 4_294_967_295)))
    .addOption(new Option("--seconds <n>", "stop by itself after this long").argParser(wholeNumber(1, 86_400)))
    .option("--config-out <file>", "write a config for a gateway on this line")
    .option("--force", "overwrite the file of --config-out if it exists")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExamples:\n  sortgate simulate --config-out ./virtual-line.toml\n  sortgate run --config ./virtual-line.toml\n  sortgate simulate --rate 20 --seed 7 --seconds 60\n",
    )
    .action((options: SimulateOptions) => runSimulate(options, output));
}
