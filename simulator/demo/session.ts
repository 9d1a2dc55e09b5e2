import type { Truth } from "../truth.ts";
import { machineMs } from "../truth.ts";
import { createChainCheck } from "./chain-check.ts";
import { createSecretSearch, type SecretSearch } from "./secrets.ts";
import { type Arrival, createTally, type Match, type Tally } from "./tally.ts";
import type { Row } from "./view.ts";

/** What the subscriber knows: the truth, what arrived, and what it is worth. */
export interface Session {
  /** Something happened on the line. */
  truth(truth: Truth): void;
  /** A message arrived. */
  message(topic: string, payload: Buffer): void;
  readonly tally: Tally;
  readonly secrets: SecretSearch;
  /** The latest events about parcels, oldest first. */
  rows(): readonly Row[];
  /** Events about parcels. */
  eventCount(): number;
  /** Events about the gateway itself: keys, checkpoints, devices. */
  logEventCount(): number;
  /** Events whose signature or place in the chain is not as it should be, or cannot be judged. */
  unverifiedCount(): number;
  /** Events that arrived again, as "at least once" allows. */
  repeatCount(): number;
}

export interface SessionSettings {
  /** Takes each event of the chain as it was published. */
  readonly keep: (line: string) => void;
  /** Told of a row when all is known about it. */
  readonly show: (row: Row) => void;
}

const rowsMax = 200;

/** What is remembered of an event until the chain up to it is judged. */
interface Tag {
  row?: Row;
}

interface EventFields {
  readonly type?: unknown;
  readonly data?: { readonly length?: unknown; readonly [member: string]: unknown };
}

/** Makes the subscriber's mind; the broker connection is not its concern. */
export function createSession({ keep, show }: SessionSettings): Session {
  const tally = createTally();
  const secrets = createSecretSearch();
  const chain = createChainCheck<Tag>();
  const rows: Row[] = [];
  const rowOf = new WeakMap<Arrival, Row>();
  let eventCount = 0;
  let logEventCount = 0;
  let unverifiedCount = 0;

  const complete = (row: Row): void => {
    if (row.truth !== undefined && row.verified !== undefined) show(row);
  };

  const matched = ({ truth, arrival, latencyMs }: Match): void => {
    const row = rowOf.get(arrival);
    if (row === undefined) return;
    row.truth = truth;
    row.latencyMs = latencyMs;
    complete(row);
  };

  const addRow = (arrival: Arrival): Row => {
    const row: Row = { arrival };
    rowOf.set(arrival, row);
    rows.push(row);
    if (rows.length > rowsMax) rows.shift();
    eventCount += 1;
    const match = tally.arrive(arrival);
    if (match !== undefined) matched(match);
    return row;
  };

  return {
    tally,
    secrets,
    truth(truth) {
      if (truth.secrets !== undefined) secrets.plant(truth.secrets);
      const match = tally.expect(truth);
      if (match !== undefined) matched(match);
    },
    message(topic, payload) {
      const arrivedAtMs = machineMs();
      secrets.isIn(payload);
      // The status message is retained and no event.
      if (topic.endsWith("/status")) return;
      const text = payload.toString("utf8");
      keep(text);
      const arrival = readArrival(text, arrivedAtMs);
      const repeatCount = chain.repeatCount();
      // The row comes into being only if this is no repeat, which the chain check knows.
      const tag: Tag = {};
      const checked = chain.add(payload, tag);
      if (chain.repeatCount() > repeatCount) return;
      if (arrival === undefined) logEventCount += 1;
      else tag.row = addRow(arrival);
      for (const { tag: of, problem } of checked) {
        if (problem !== undefined) unverifiedCount += 1;
        if (of.row === undefined) continue;
        of.row.verified = problem === undefined ? "ok" : `FAILED: ${problem}`;
        complete(of.row);
      }
    },
    rows: () => rows,
    eventCount: () => eventCount,
    logEventCount: () => logEventCount,
    unverifiedCount: () => unverifiedCount + chain.waitingCount(),
    repeatCount: () => chain.repeatCount(),
  };
}

/** What an event says about a parcel; nothing if it is about something else, or no event at all. */
function readArrival(text: string, arrivedAtMs: number): Arrival | undefined {
  const { type, data } = parse(text);
  const kind = /^org\.sortgate\.(read|noread|pass)\.v1$/.exec(String(type))?.[1] as Arrival["kind"] | undefined;
  if (kind === undefined || data === undefined) return undefined;
  const textOf = (member: string): string | undefined => {
    const value = data[member];
    return typeof value === "string" ? value : undefined;
  };
  return {
    kind,
    readPoint: textOf("readPoint") ?? "",
    device: textOf("device") ?? "",
    code: textOf("code"),
    length: typeof data.length === "number" ? data.length : undefined,
    medium: textOf("medium"),
    closeReason: textOf("closeReason"),
    arrivedAtMs,
  };
}

function parse(text: string): EventFields {
  try {
    return (JSON.parse(text) as EventFields | null) ?? {};
  } catch {
    return {};
  }
}
