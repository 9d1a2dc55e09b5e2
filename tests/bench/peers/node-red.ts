import { sortgate } from "../rig/contenders.ts";
import type { Contender } from "../rig/processes.ts";
import type { Bench } from "./port.ts";

const option = "--node-red";

/** Gives the option that may stand without a value an empty one, which the parser insists on. */
export function withNodeRedValue(args: readonly string[]): string[] {
  return args.map((arg, index) => (arg === option && (args[index + 1] ?? "--").startsWith("--") ? `${option}=` : arg));
}

/** What to say where Node-RED is missing: nobody has to install it for the rest. */
export const leftOut = `Node-RED was left out: ${option} installs it for the run, ${option} DIR takes what is installed there.`;

/** S3 and S9 beside Node-RED. */
export async function nodeRed({ report, order, run }: Bench, installed: Contender): Promise<void> {
  const scenario = "S3 events/s at 5 reads each";
  for (const contender of [installed, sortgate()]) {
    const fast = await run(scenario, contender, order({ copies: 5 }));
    if (fast !== undefined) {
      report.add(scenario, contender.name, "events/s", fast.received / fast.seconds);
      report.add(`${scenario}: lost`, contender.name, "events", fast.missing);
    }
    const steady = await run("S9 at 1,000/s", contender, order({ pace: { rate: 1_000 } }));
    if (steady === undefined) continue;
    report.add("S9 CPU per event at 1,000/s, beside Node-RED", contender.name, "µs", steady.cpuMicros);
    report.add("p50 at 1,000 events/s, beside Node-RED", contender.name, "ms", steady.p50);
    report.add("p99 at 1,000 events/s, beside Node-RED", contender.name, "ms", steady.p99);
  }
}
