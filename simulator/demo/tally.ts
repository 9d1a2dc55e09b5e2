import type { Truth } from "../truth.ts";

/** An event about a parcel, as it arrived at the subscriber. */
export interface Arrival {
  readonly kind: "read" | "noread" | "pass";
  readonly readPoint: string;
  readonly device: string;
  /** In clear, if the guard cleared it. */
  readonly code?: string | undefined;
  /** Instead of the code. */
  readonly length?: number | undefined;
  readonly closeReason?: string | undefined;
  readonly medium?: string | undefined;
  /** By the machine's monotonic clock. */
  readonly arrivedAtMs: number;
}

export interface Match {
  readonly truth: Truth;
  readonly arrival: Arrival;
  readonly latencyMs: number;
}

export interface TallySummary {
  /** What had to come. */
  readonly expectedCount: number;
  readonly matchedCount: number;
  /** Events of something that has its event already, or that never passed. */
  readonly duplicateCount: number;
  readonly missingCount: number;
  /** Expected only lately: still on its way. */
  readonly pendingCount: number;
  /** Of the latest 20,000, in milliseconds; absent while nothing arrived. */
  readonly latencyP50Ms: number | undefined;
  readonly latencyP99Ms: number | undefined;
}

/** Compares what had to come with what came: each once. */
export interface Tally {
  /** Takes note of something that must come. Gives the match if it has come already. */
  expect(truth: Truth): Match | undefined;
  /** Takes an event. Gives nothing if it is not expected, or not yet. */
  arrive(arrival: Arrival): Match | undefined;
  /** Whether everything that had to come has come. */
  isComplete(): boolean;
  /** What has not come, and what came and was not expected. */
  leftovers(): { readonly missing: readonly Truth[]; readonly extra: readonly Arrival[] };
  /** What has not come `graceMs` after it passed is missing. */
  summary(nowMs: number, graceMs: number): TallySummary;
}

const latenciesMax = 20_000;

/** What makes two of a kind; what leaves only as a token can be told apart by its length alone. */
function keyOf(kind: Truth["kind"], readPoint: string, what: string | number | undefined): string {
  return `${kind} ${readPoint} ${what}`;
}

function keyOfTruth(truth: Truth): string {
  const what = truth.kind === "token" ? truth.length : truth.kind === "no-read" ? truth.device : truth.code;
  return keyOf(truth.kind, truth.readPoint, what);
}

function keyOfArrival(arrival: Arrival): string {
  const { kind, readPoint, code } = arrival;
  if (kind === "noread") return keyOf("no-read", readPoint, arrival.device);
  // No other summary than that of a stalled pass is expected, so any other matches nothing.
  if (kind === "pass") return keyOf("stalled", readPoint, arrival.closeReason === "stalled" ? code : undefined);
  return code === undefined ? keyOf("token", readPoint, arrival.length) : keyOf("read", readPoint, code);
}

/** The value below which `share` of the sorted values lie (nearest rank). */
function quantile(sorted: Float64Array, share: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}

/** Takes the oldest out of a queue of many. */
function takeFirst<Item>(queues: Map<string, Item[]>, key: string): Item | undefined {
  const queue = queues.get(key);
  const first = queue?.shift();
  if (queue?.length === 0) queues.delete(key);
  return first;
}

function put<Item>(queues: Map<string, Item[]>, key: string, item: Item): void {
  const queue = queues.get(key);
  if (queue === undefined) queues.set(key, [item]);
  else queue.push(item);
}

/** Makes an empty tally. Truth and events may come in any order; an event without truth counts as a duplicate. */
export function createTally(): Tally {
  const open = new Map<string, Truth[]>();
  const early = new Map<string, Arrival[]>();
  const pardoned = new Set<string>();
  const latencies = new Float64Array(latenciesMax);
  let latencyCount = 0;
  let expectedCount = 0;

  const match = (truth: Truth, arrival: Arrival): Match => {
    const latencyMs = Math.max(0, arrival.arrivedAtMs - truth.passedAtMs);
    // The truth of a stalled pass tells when it was certain, not when something was read.
    if (truth.kind !== "stalled") {
      latencies[latencyCount % latenciesMax] = latencyMs;
      latencyCount += 1;
    }
    return { truth, arrival, latencyMs };
  };

  const overdue = (): Truth[] => [...open.values()].flat();

  return {
    expect(truth) {
      const key = keyOfTruth(truth);
      if (truth.mayBeMissing === true) {
        if (open.delete(key)) expectedCount -= 1;
        pardoned.add(key);
        return undefined;
      }
      expectedCount += 1;
      const arrival = takeFirst(early, key);
      if (arrival !== undefined) return match(truth, arrival);
      put(open, key, truth);
      return undefined;
    },
    arrive(arrival) {
      const key = keyOfArrival(arrival);
      const truth = takeFirst(open, key);
      if (truth !== undefined) return match(truth, arrival);
      if (!pardoned.delete(key)) put(early, key, arrival);
      return undefined;
    },
    isComplete: () => overdue().length === 0,
    leftovers: () => ({ missing: overdue(), extra: [...early.values()].flat() }),
    summary(nowMs, graceMs) {
      const waiting = overdue();
      const missingCount = waiting.filter((truth) => nowMs - truth.passedAtMs >= graceMs).length;
      const sorted = latencies.slice(0, latencyCount).sort();
      return {
        expectedCount,
        matchedCount: expectedCount - waiting.length,
        duplicateCount: [...early.values()].flat().length,
        missingCount,
        pendingCount: waiting.length - missingCount,
        latencyP50Ms: quantile(sorted, 0.5),
        latencyP99Ms: quantile(sorted, 0.99),
      };
    },
  };
}
