import { afternoonScript, sortgate } from "../rig/contenders.ts";
import type { Bench } from "./port.ts";

/**
 * S4 and S10: as fast as the contender can when broker and subscriber cost next to nothing.
 *
 * S4 was thought of with two signing threads: the product has one. S5, one signature for a batch, is left out, because
 * it is not a feature of the product: each event carries a signature of its own.
 */
export async function nullBroker({ report, order, run }: Bench): Promise<void> {
  const scenario = "S4 events/s, null broker";
  for (const contender of [afternoonScript, sortgate()]) {
    const result = await run(scenario, contender, order({}), [], "null");
    if (result === undefined) continue;
    report.add(scenario, contender.name, "events/s", result.received / result.seconds);
    report.add(`${scenario}: lost`, contender.name, "events", result.missing);
    report.add("S10 CPU per event, null broker", contender.name, "µs", result.cpuMicros);
    report.add("CPU of the load with its null broker", contender.name, "µs", result.loadMicros);
  }
}
