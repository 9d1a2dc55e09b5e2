import { execFile, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openLedger } from "../../../src/ledger/index.ts";
import { scratch } from "../rig/processes.ts";
import { rowCount } from "./append.ts";
import { codeBytes, type DedupCost, departMs, frameBytes, makeLine } from "./dedup.ts";
import { type Cost, eventBytes } from "./fixtures.ts";
import { beside, type PublishCost, window } from "./publish.ts";

const sources = fileURLToPath(new URL("../../../../tests/bench/c/", import.meta.url));
const programs = ["append.c", "publish.c", "dedup.c"] as const;

/** Runs a tool to its end. Gives what it printed; undefined, and says why, if it is missing or fails. */
function ran(say: (text: string) => void, command: string, args: readonly string[]): string | undefined {
  const { stdout, stderr, status, error } = spawnSync(command, args, { encoding: "utf8" });
  if (status === 0) return stdout;
  say(`left out, for ${command} ${error === undefined ? `failed: ${stderr.trim()}` : "is missing"}`);
  return undefined;
}

/** Flags of the compiler for the SQLite that better-sqlite3 brings: its own, but for -O2 instead of -O3. */
function sqliteFlags(deps: string): string[] {
  const options = readFileSync(join(deps, "defines.gypi"), "utf8").matchAll(/'((?:HAVE|SQLITE)_[^']+)'/g);
  return [...[...options].map(([, option]) => `-D${option}`), `-I${join(deps, "sqlite3")}`];
}

/**
 * Makes ready what the stages are compared with: compiles the C programs into a directory that is gone at the end.
 *
 * Gives:   the names of those that run on this machine, as stages of `main.ts`; says what is left out, and why.
 * Cost:    half a minute and more, for SQLite is compiled too: once a run.
 */
export function readyComparators(say: (text: string) => void): Set<string> {
  const ready = new Set<string>();
  if (ran((text) => say(`openssl speed ${text}`), "openssl", ["version"]) !== undefined) ready.add("openssl speed");
  const directory = scratch("c");
  const deps = join(dirname(createRequire(import.meta.url).resolve("better-sqlite3/package.json")), "deps");
  const sqlite = join(directory, "sqlite3.o");
  const flags = ["-O2", ...sqliteFlags(deps)];
  const compile = (...args: string[]): boolean =>
    ran((text) => say(`C programs ${text}`), "gcc", [...flags, ...args]) !== undefined;
  if (!compile("-w", "-c", join(deps, "sqlite3/sqlite3.c"), "-o", sqlite)) return ready;
  for (const name of programs) {
    const objects = name === "append.c" ? [sqlite, "-lm", "-lpthread", "-ldl"] : [];
    const isBuilt = compile("-Wall", "-Wextra", join(sources, name), "-o", join(directory, `${name}.out`), ...objects);
    if (isBuilt) ready.add(name);
  }
  process.env.BENCH_C_DIR = directory;
  return ready;
}

/** What a C program prints, as a stage does. */
async function printed<T>(name: (typeof programs)[number], ...args: readonly (string | number)[]): Promise<T> {
  const program = join(process.env.BENCH_C_DIR ?? "", `${name}.out`);
  const { stdout } = await promisify(execFile)(program, args.map(String));
  return JSON.parse(stdout) as T;
}

/**
 * OpenSSL's own signatures on one core, for as much processor time as ours.
 *
 * It signs 20 bytes where an event has some hundred: that is two microseconds of SHA-512 less.
 */
export function opensslSpeed(): Cost {
  const { stdout } = spawnSync("openssl", ["speed", "-mr", "-seconds", "2", "ed25519"], { encoding: "utf8" });
  const perSecond = Number(/^\+F\d+:\d+:\d+:Ed25519:([\d.]+):/m.exec(stdout)?.[1]);
  return { perSecond, cpuMicros: 1e6 / perSecond };
}

/** The append stage in C, into an empty ledger of the product. */
export function appendInC(batch: number): Promise<Cost> {
  const path = join(scratch("append-c"), "ledger.db");
  openLedger(path, 2_000_000_000).close();
  return printed("append.c", path, rowCount(batch), batch, eventBytes);
}

/** The publish stage in C; this process is nothing but the subscriber. */
export async function publishInC(): Promise<PublishCost> {
  let own: Cost = { perSecond: 0, cpuMicros: 0 };
  const { cpuMicros: subscriberMicros, brokerMicros } = await beside(async (port, total) => {
    own = await printed("publish.c", port, total, window, eventBytes);
  });
  return {
    perSecond: own.perSecond,
    cpuMicros: own.cpuMicros + subscriberMicros,
    brokerMicros,
    subscriberMicros,
  };
}

/** De-duplication in C, of the same line. */
export function dedupInC(liveCount: number): Promise<DedupCost> {
  const { bytes, readsPerMs } = makeLine(liveCount);
  const path = join(scratch("dedup-c"), "line");
  writeFileSync(path, bytes);
  return printed("dedup.c", path, liveCount, readsPerMs, departMs, codeBytes, frameBytes);
}
