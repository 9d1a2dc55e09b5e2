import { afternoonScript, sortgate } from "../rig/contenders.ts";
import { throughOutage } from "../rig/outage.ts";
import { measure } from "../rig/processes.ts";
import { writeAheadBytes, writeAheadTrace } from "../rig/write-ahead.ts";
import type { Bench } from "./port.ts";

/**
 * S18 and S19: what an outage costs in memory, and how fast it is made up for.
 *
 * The collector of garbage moves the memory by some tens of MB: the more events, the less that is for each. The script
 * cannot have more than these, because it keeps each in its memory under one of 65,535 packet identifiers.
 */
export async function outages({ report, say }: Bench): Promise<void> {
  for (const [contender, stretchCount] of [
    [afternoonScript, 25_000],
    [sortgate(), 100_000],
  ] as const)
    try {
      const { perSecond, rssPerEvent, missing } = await throughOutage(contender, stretchCount);
      report.add("S18 drain after an outage", contender.name, "events/s", perSecond);
      report.add("S18 drain after an outage: missing", contender.name, "events", missing);
      report.add("S19 RSS growth per waiting event", contender.name, "bytes", rssPerEvent);
    } catch (error) {
      say(`outage · ${contender.name}: ${error instanceof Error ? error.message : error}`);
    }
}

/** S21: bytes of the write-ahead log per event at full speed. */
export async function writeAhead({ report, order, say }: Bench): Promise<void> {
  for (const contender of [afternoonScript, sortgate()])
    try {
      const trace = writeAheadTrace();
      // All that the tracer sees is counted, so nothing comes before the measured stretch.
      const { sent, missing } = await measure(contender, order({ warmUpSeconds: 0 }), trace.prefix);
      report.add("S21 WAL bytes per event", contender.name, "bytes", writeAheadBytes(trace.file) / (sent - missing));
    } catch (error) {
      say(`WAL · ${contender.name}: ${error instanceof Error ? error.message : error}`);
    }
}
