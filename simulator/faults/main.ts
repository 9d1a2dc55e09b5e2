// `npm run simulate:faults -- --seeds N [--seed S] [--verbose]`: random histories with faults, each from its seed.
import { parseArgs } from "node:util";
import { makeDeviceKey } from "./device-key.ts";
import { type HistoryResult, runHistory } from "./history.ts";

/** So many seeds share the verification of one chain. */
const verifyEvery = 10;
const progressMs = 5_000;
const tailLines = 60;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

function wholeNumber(text: string | undefined, name: string, fallback: number): number {
  if (text === undefined) return fallback;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new Error(`${name} takes a whole number`);
}

function tell(seed: number, { violation, trace }: HistoryResult, isVerbose: boolean): void {
  for (const line of trace.tail(isVerbose ? Number.POSITIVE_INFINITY : tailLines)) say(line);
  say("");
  if (violation === undefined) return;
  say(`Seed ${seed} breaks "${violation.oracle}": ${violation.text}`);
  say(`Try: npm run simulate:faults -- --seed ${seed} --seeds 1 --verbose`);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { seeds: { type: "string" }, seed: { type: "string" }, verbose: { type: "boolean", default: false } },
  });
  const first = wholeNumber(values.seed, "--seed", 1);
  const count = wholeNumber(values.seeds, "--seeds", 1_000);
  const deviceKey = await makeDeviceKey();
  const startedAt = performance.now();
  const sums = { events: 0, runs: 0, simulatedMs: 0 };
  let toldAt = startedAt;
  const rate = (done: number): string => (done / ((performance.now() - startedAt) / 1_000)).toFixed(1);
  for (let seed = first; seed < first + count; seed += 1) {
    const result = await runHistory({ seed, deviceKey, isVerified: seed % verifyEvery === 0 });
    sums.events += result.eventCount;
    sums.runs += result.runCount;
    sums.simulatedMs += result.simulatedMs;
    if (result.violation !== undefined || values.verbose) tell(seed, result, values.verbose);
    if (result.violation !== undefined) return 1;
    if (performance.now() - toldAt < progressMs) continue;
    toldAt = performance.now();
    const done = seed - first + 1;
    say(`${done} of ${count} histories, up to seed ${seed}: nothing lost, nothing stuck; ${rate(done)} a second`);
  }
  const hours = (sums.simulatedMs / 3_600_000).toFixed(1);
  say(
    `${count} histories from seed ${first}: ${sums.events} events in ${sums.runs} runs of the gateway, ${hours} h of`,
  );
  say(`simulated time, ${rate(count)} histories a second. Nothing lost, nothing twice, nothing stuck.`);
  return 0;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  },
);
