import { maskCode } from "../../src/model/code/mask.ts";
import type { Truth } from "../truth.ts";
import type { LineCounts } from "../virtual-line.ts";
import type { ChildEnd } from "./child.ts";
import type { Session } from "./session.ts";
import type { Arrival } from "./tally.ts";
import type { FinalVerdict } from "./verdict.ts";

/** How a demo ended. */
export interface DemoSummary {
  readonly parcelCount: number;
  readonly readCount: number;
  /** Events about parcels. */
  readonly eventCount: number;
  readonly expectedCount: number;
  readonly duplicateCount: number;
  readonly missingCount: number;
  readonly unverifiedCount: number;
  /** The same event delivered again, which "at least once" allows. */
  readonly repeatCount: number;
  readonly latencyP50Ms: number | undefined;
  readonly latencyP99Ms: number | undefined;
  readonly personalDataPlanted: number;
  readonly personalDataFound: number;
  readonly chain: string;
  /** One sentence for each thing that is not as it should be; none if all is well. */
  readonly problems: readonly string[];
  /** The last log lines of a process that ended by itself. */
  readonly logLines: readonly string[];
  /** Where the files of the run are, if they were to be kept. */
  readonly keptIn: string | undefined;
}

/** What the end of a run is judged by. */
export interface Outcome {
  readonly session: Session;
  readonly counts: LineCounts;
  /** Absent if the gateway never ran. */
  readonly verdict: FinalVerdict | undefined;
  readonly filesWithSecrets: readonly string[];
  readonly gatewayEnd: ChildEnd | undefined;
  /** The process that ended by itself, if one did. */
  readonly failure: { readonly sentence: string; readonly logLines: readonly string[] } | undefined;
  readonly keptIn: string | undefined;
}

const namedMax = 5;

/** Judges a run: everything that is missing, doubled, unverified or personal is a problem. */
export function summarise(outcome: Outcome): DemoSummary {
  const { session, counts, verdict, filesWithSecrets, gatewayEnd, failure, keptIn } = outcome;
  const tally = session.tally.summary(Number.POSITIVE_INFINITY, 0);
  const { missing, extra } = session.tally.leftovers();
  const unverifiedCount = session.unverifiedCount();
  const found = session.secrets.foundCount();
  const say = (count: number, what: string): string[] => (count === 0 ? [] : [`${count} ${what}`]);
  const problems = [
    ...(failure === undefined ? [] : [failure.sentence]),
    ...say(tally.missingCount, `missing: ${named(missing.map(nameTruth))}`),
    ...say(tally.duplicateCount, `doubled or never passed: ${named(extra.map(nameArrival))}`),
    ...say(unverifiedCount, "events whose signature or place in the chain is not as it should be"),
    ...say(found, "messages with personal data from labels"),
    ...filesWithSecrets.map((path) => `Personal data from labels is in the file ${path}`),
    ...(verdict === undefined || verdict.isGood ? [] : [`The chain is ${verdict.sentence}`]),
    ...(gatewayEnd?.killed === true ? ["The gateway did not stop in time and was ended"] : []),
    ...(gatewayEnd?.asked === true && !gatewayEnd.killed && gatewayEnd.code !== 0
      ? [`The gateway stopped with code ${gatewayEnd.code ?? gatewayEnd.signal} instead of 0`]
      : []),
    ...(counts.parcelCount > 0 && tally.matchedCount === 0 ? ["No event about a parcel arrived"] : []),
  ];
  return {
    parcelCount: counts.parcelCount,
    readCount: counts.scannerReadCount + counts.noReadCount + counts.tagReadCount,
    eventCount: session.eventCount(),
    expectedCount: tally.expectedCount,
    duplicateCount: tally.duplicateCount,
    missingCount: tally.missingCount,
    unverifiedCount,
    repeatCount: session.repeatCount(),
    latencyP50Ms: tally.latencyP50Ms,
    latencyP99Ms: tally.latencyP99Ms,
    personalDataPlanted: session.secrets.plantedCount(),
    personalDataFound: found + filesWithSecrets.length,
    chain: verdict?.sentence ?? "never begun",
    problems,
    logLines: failure?.logLines ?? [],
    keptIn,
  };
}

function named(names: readonly string[]): string {
  const more = names.length - namedMax;
  return `${names.slice(0, namedMax).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function nameTruth({ kind, parcel, code, device }: Truth): string {
  return `${kind} ${code === undefined ? (device ?? "") : maskCode(code)} of parcel #${parcel}`;
}

function nameArrival({ kind, code, device }: Arrival): string {
  return `${kind} ${code === undefined ? "" : maskCode(code)} by ${device}`;
}
