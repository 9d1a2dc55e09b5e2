import { type Report, shown } from "./report.ts";

type Median = Report["median"];

/** Processor microseconds for each event of bare tools, measured in the same run; not a number where one was not. */
function bareCosts(median: Median): Record<"sign" | "commit" | "publish" | "subscriber" | "broker", number> {
  return {
    sign: median("S12 seal", "sign"),
    commit: 1e6 / median("S13 append, 1000 a commit", "commits"),
    publish: median("publish: CPU with subscriber", "mqtt"),
    subscriber: median("publish: CPU of the subscriber", "publish.c"),
    broker: median("publish: CPU of the broker", "mqtt"),
  };
}

/** Events/s that bare signatures, bare grouped commits and bare MQTT.js allow, broker and subscriber on the same cores. */
export function ceilingRate(median: Median, cores: number): number {
  const { sign, commit, publish, broker } = bareCosts(median);
  return (cores * 1e6) / (sign + commit + publish + broker);
}

/** The same for a gateway that has the cores to itself: broker and subscriber cost nothing. */
export function gatewayCeilingRate(median: Median, cores: number): number {
  const { sign, commit, publish, subscriber } = bareCosts(median);
  return (cores * 1e6) / (sign + commit + publish - subscriber);
}

/** The ceiling in words, and how much of it the whole path reaches. */
export function ceiling(median: Median, cores: number): string[] {
  const { sign, commit, publish, broker } = bareCosts(median);
  const most = ceilingRate(median, cores);
  const rate = median("S2 distinct events/s", "sortgate");
  return [
    `Ceiling: ${cores} cores / (${shown(sign)} µs signature + ${shown(commit)} µs commit + ${shown(publish)} µs MQTT.js with its subscriber + ${shown(broker)} µs broker) = ${shown(most)} events/s.`,
    `Whole path: ${shown(rate)} events/s, ${shown((100 * rate) / most)} % of it.`,
  ];
}
