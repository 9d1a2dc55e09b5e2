import { mosquittoPub } from "../rig/contenders.ts";
import { type Flood, flood, patienceMs } from "../rig/flood.ts";
import { frameCount, watchedSortgate } from "../rig/status.ts";
import type { Bench } from "./port.ts";

/**
 * S25: a pseudo-terminal at its highest rate.
 *
 * What sortgate has read it says itself, since most lines end in no event; what mosquitto_pub has read comes out as a
 * message each, or is in its memory still.
 */
export async function floods({ report, seconds, say }: Bench): Promise<void> {
  const product = watchedSortgate();
  const runs: readonly [name: string, run: () => Promise<Flood>][] = [
    ["mosquitto_pub -l", () => flood(mosquittoPub, seconds)],
    ["sortgate", () => flood(product.contender, seconds, async () => frameCount(await product.status()))],
  ];
  for (const [name, run] of runs)
    try {
      const { readPerSecond, missing, rssMegabytesPeak } = await run();
      report.add("S25 serial flood, read", name, "lines/s", readPerSecond);
      report.add(`S25 lines missing ${patienceMs / 1_000} s later`, name, "lines", missing);
      report.add("S25 RSS, highest", name, "MB", rssMegabytesPeak);
    } catch (error) {
      say(`flood · ${name}: ${error instanceof Error ? error.message : error}`);
    }
}
