import { maskCode } from "../../src/model/code/mask.ts";
import type { Truth } from "../truth.ts";
import type { LineCounts } from "../virtual-line.ts";
import type { Arrival, TallySummary } from "./tally.ts";

/** One event about a parcel, for human eyes. */
export interface Row {
  readonly arrival: Arrival;
  /** Absent until it is known what this event is about. */
  truth?: Truth;
  latencyMs?: number;
  /** Absent until the events before it are there too. */
  verified?: "ok" | string;
}

/** Everything that the table shows. */
export interface Snapshot {
  readonly rows: readonly Row[];
  readonly tally: TallySummary;
  readonly line: LineCounts;
  readonly eventCount: number;
  readonly unverifiedCount: number;
  readonly foundSecretCount: number;
  readonly plantedSecretCount: number;
  /** As the gateway counts them. */
  readonly readsPerSecond: number;
  /** One line on the gateway and the broker. */
  readonly state: string;
}

/** What is being seen, in two lines. */
export const heading: readonly string[] = [
  "Two scanners and an RFID reader see parcels; sortgate run makes one signed event of each pass.",
  "This subscriber checks every event's signature, chain and truth. Ctrl-C ends with a summary.",
];

const widths = [7, 18, 15, 10, 10, 9] as const;
const titles = ["parcel", "code", "seen as", "read point", "device", "latency"];

function line(cells: readonly string[], last: string): string {
  const padded = cells.map((cell, index) => (index === 5 ? cell.padStart(widths[5]) : cell.padEnd(widths[index] ?? 0)));
  return `${padded.join("  ")}  ${last}`.trimEnd();
}

/** The head of the table. */
export const tableHead = line(titles, "verified");

function codeOf({ truth, arrival }: Row): string {
  if (truth?.kind === "token") return "personal data";
  if (arrival.code !== undefined) return maskCode(arrival.code);
  return arrival.kind === "noread" ? "" : "token only";
}

function seenAs({ truth, arrival }: Row): string {
  if (arrival.kind === "noread") return "no-read";
  if (arrival.kind === "pass") return `pass ${arrival.closeReason ?? ""}`.trim();
  if (arrival.code === undefined) return `token of ${arrival.length ?? 0} B`;
  return truth?.parcel === 0 ? "stray tag" : arrival.medium === "rfid" ? "bag tag" : "barcode";
}

/** One row of the table; at most 100 columns. */
export function rowLine(row: Row): string {
  const { truth, arrival, latencyMs, verified } = row;
  const parcel = truth === undefined ? "?" : truth.parcel === 0 ? "-" : `#${truth.parcel}`;
  // How long after its end a stalled pass is told says nothing about speed.
  const latency = latencyMs === undefined || truth?.kind === "stalled" ? "" : `${latencyMs.toFixed(1)} ms`;
  return line(
    [parcel, codeOf(row), seenAs(row), arrival.readPoint, arrival.device, latency],
    verified === undefined ? "…" : verified,
  );
}

const thousands = new Intl.NumberFormat("en");

/** The running totals; at most 100 columns each. */
export function totalLines(snapshot: Snapshot): readonly string[] {
  const { tally, line: counts } = snapshot;
  const say = (value: number): string => thousands.format(value);
  const ms = (value: number | undefined): string => (value === undefined ? "-" : `${value.toFixed(1)} ms`);
  const readCount = counts.scannerReadCount + counts.tagReadCount + counts.noReadCount;
  return [
    `parcels passed ${say(counts.parcelCount)}   events received ${say(snapshot.eventCount)}   duplicates ${tally.duplicateCount}   missing ${tally.missingCount}   unverified ${snapshot.unverifiedCount}`,
    `reads sent ${say(readCount)}, into the gateway ${say(snapshot.readsPerSecond)}/s   no-reads ${say(counts.noReadCount)}   noise ${say(counts.noiseCount)}   on their way ${tally.pendingCount}`,
    `latency p50 ${ms(tally.latencyP50Ms)}, p99 ${ms(tally.latencyP99Ms)}   personal data on labels ${snapshot.plantedSecretCount}, found in events ${snapshot.foundSecretCount}`,
    snapshot.state,
  ];
}
