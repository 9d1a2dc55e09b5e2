// `npm run fuzz -- --minutes 10 [--seed N] [--faults N]`: codes that nobody thought of through the built guard, led by the code that
// they reach. Ends with 1 if the guard throws, if an event has no spelling, or if anything of a planted secret leaves.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createRandom } from "../../simulator/belt/random.ts";
import { programFolder } from "../../src/lib/program-folder.ts";
import { waybillMakers } from "../guard/waybill-makers.ts";
import { type Reached, startCoverage } from "./coverage.ts";
import { mutated, planted } from "./mutate.ts";
import { type Code, faultOf, secrets } from "./oracle.ts";

/*
 * Ours, because none that we found fits: Jazzer.js 4.0.0 brings libFuzzer as a binary that needs glibc 2.38, and Debian 12
 * has 2.36; jsfuzz has been left alone since 2020 and instruments no ES modules. V8 counts blocks by itself, so that the
 * rest is a loop: change a code, try it, keep it if it reached something.
 */

const { values: options } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    faults: { type: "string", default: "20" },
  },
});
const seed = Number(options.seed);
const random = createRandom(seed);
const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** So many codes are tried between two looks at the coverage, which cost more than the codes. */
const batchMax = 16;
/** After so many it ends. */
const faultsMax = Number(options.faults);

const coverage = startCoverage((url) => /\/src\/(?:guard|model\/code)\//.test(url));
const corpus: Code[] = [];
const faults = new Map<string, Code>();
const [seenAlone, seenTogether] = [new Set<string>(), new Set<string>()];
let [triedCount, slowestMs] = [0, 0];
let slowest: Code | undefined;

interface Case {
  readonly text?: string;
  readonly hex?: string;
  readonly medium?: "barcode" | "rfid";
  readonly symbology?: string;
}

function captured(): Code[] {
  const folder = join(programFolder(), "tests/captures/guard");
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => JSON.parse(readFileSync(join(folder, name), "utf8")).cases as Case[])
    .map(({ text, hex, medium = "barcode", symbology }) => ({
      bytes: hex === undefined ? Buffer.from(text ?? "") : Buffer.from(hex, "hex"),
      medium,
      symbology,
    }));
}

function attempt(code: Code): void {
  const startedAt = performance.now();
  const fault = faultOf(code);
  if (performance.now() - startedAt > slowestMs) [slowest, slowestMs] = [code, performance.now() - startedAt];
  triedCount += 1;
  // One for each kind of fault: what stands in quotes is of the single code.
  const kind = fault?.replace(/"(?:[^"\\]|\\.)*"|\{.*\}/g, "…");
  if (kind === undefined || faults.has(kind)) return;
  faults.set(kind, code);
  const least = minimal(code);
  say(`Fault: ${faultOf(least)}`);
  say(`${written(least)}\n  ${JSON.stringify(least.bytes.toString())}`);
}

/** As the cases of the corpus are written. */
const written = ({ medium, symbology, bytes }: Code): string =>
  JSON.stringify({ medium, symbology, hex: bytes.toString("hex") });

/** The code without all that it can lose and still be one with a fault; what was planted stays whole. */
function minimal(code: Code): Code {
  let { bytes } = code;
  for (let size = bytes.length >> 1; size > 0; size >>= 1)
    for (let at = 0; at + size <= bytes.length; ) {
      const less = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)]);
      if (!isWhole(code, less) || faultOf({ ...code, bytes: less }) === undefined) at += size;
      else bytes = less;
    }
  return { ...code, bytes };
}

function isWhole({ planted, bytes }: Code, less: Buffer): boolean {
  return planted === undefined || less.includes(planted.secret) === bytes.includes(planted.secret);
}

function draw(): Code {
  if (random.chance(0.05))
    return {
      bytes: Buffer.from(random.pick(Object.values(waybillMakers))(random)),
      medium: "barcode",
      symbology: "]C0",
    };
  const parent = random.pick(corpus);
  const symbology = random.chance(0.2)
    ? random.pick([undefined, "]C0", "]C1", "]Q1", "]Q3", "]d2", "]L0", "]U1", "]E0"])
    : parent.symbology;
  const { medium } = parent;
  const around = mutated(parent.bytes, random.pick(corpus).bytes, random);
  if (random.chance(0.3)) return { bytes: around, medium, symbology };
  const secret = random.pick(secrets);
  return { bytes: planted(around, secret, random), medium, symbology, planted: { secret, around } };
}

/** Keeps those of a batch that reach something by themselves. */
function keep(batch: readonly Code[]): void {
  for (const code of batch) {
    faultOf(code);
    if (coverage.look(seenAlone)) corpus.push(code);
  }
}

function report(when: string): Reached {
  const reached = coverage.reached();
  const share = (reached.share * 100).toFixed(2);
  say(
    `${when}: ${reached.blockCount} blocks, ${share} % of the code, ${reached.missed.length} places missed; ` +
      `${triedCount} codes tried, ${corpus.length} kept, slowest ${slowestMs.toFixed(1)} ms`,
  );
  return reached;
}

say(`seed ${seed}`);
for (const code of captured()) {
  attempt(code);
  coverage.look(seenAlone);
  corpus.push(code);
}
const before = report("The corpus reaches");
const endsAt = performance.now() + Number(options.minutes) * 60_000;
let reportedAt = performance.now();
while (performance.now() < endsAt && faults.size < faultsMax) {
  const batch = Array.from({ length: batchMax }, draw);
  for (const code of batch) attempt(code);
  if (coverage.look(seenTogether)) keep(batch);
  if (performance.now() - reportedAt < 60_000) continue;
  reportedAt = performance.now();
  report("So far");
}
const after = report("At the end");
if (slowest !== undefined) say(`Slowest, ${slowestMs.toFixed(1)} ms while V8 counts: ${written(slowest)}`);
say(`Never ran: ${after.missed.join(" ")}`);
process.stdout.write(`${JSON.stringify({ seed, triedCount, slowestMs, before, after, faults: [...faults.keys()] })}\n`);
process.exitCode = faults.size === 0 ? 0 : 1;
