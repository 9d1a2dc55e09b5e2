// One stage in a process of its own: `main.js NAME [ARGUMENT]` prints its figures as JSON.
import { append, bareCommits } from "./append.ts";
import { appendInC, dedupInC, opensslSpeed, publishInC } from "./comparators.ts";
import { dedup } from "./dedup.ts";
import { guard } from "./guard.ts";
import { leaseAndSettle, leaseFromSet } from "./lease.ts";
import { bareMqtt, forward } from "./publish.ts";
import { bareSign, seal } from "./sign.ts";

const [name = "", argument = ""] = process.argv.slice(2);
const stages: Readonly<Record<string, () => unknown>> = {
  guard: () => guard(argument),
  sign: bareSign,
  "openssl speed": opensslSpeed,
  seal,
  commits: () => bareCommits(Number(argument)),
  append: () => append(Number(argument)),
  "append.c": () => appendInC(Number(argument)),
  mqtt: bareMqtt,
  forward,
  "publish.c": publishInC,
  lease: leaseAndSettle,
  "lease-set": leaseFromSet,
  ring: () => dedup("ring", Number(argument)),
  map: () => dedup("map", Number(argument)),
  "lru-cache": () => dedup("lru-cache", Number(argument)),
  "dedup.c": () => dedupInC(Number(argument)),
};
const stage = stages[name];
if (stage === undefined) throw new Error(`no stage is called "${name}": ${Object.keys(stages).join(", ")}`);
process.stdout.write(`${JSON.stringify(await stage())}\n`);
process.exit(0);
