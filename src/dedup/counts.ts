const readsPlace = 0;
const suppressedPlace = 2;

/** Where each count stands. Floats in one array: they go on beyond 2^31 and are never boxed. */
export const count = {
  reads: readsPlace,
  opened: 1,
  suppressed: suppressedPlace,
  weak: 3,
  noise: 4,
  pending: 5,
  evicted: 6,
  noReads: 7,
} as const;
export const countsLength = 8;

/** These two stand on the path of every read, where a name from another file costs more than the count. */
export function countRead(counts: Float64Array): void {
  counts[readsPlace] = counts[readsPlace]! + 1;
}

export function countSuppressed(counts: Float64Array): void {
  counts[suppressedPlace] = counts[suppressedPlace]! + 1;
}

/** What became of all reads: reads = opened + suppressed + refused.rssi + refused.readsMin + pending, at all times. */
export interface WindowCounters {
  readonly reads: number;
  /** Reads that made a pass real. */
  readonly opened: number;
  /** Further reads of passes that are real. */
  readonly suppressed: number;
  readonly refused: {
    /** Weaker than `rssi_min_dbm`. */
    readonly rssi: number;
    /** Of passes that were over before they had `reads_min` reads. */
    readonly readsMin: number;
  };
  /** Reads of passes that may still become real. */
  readonly pending: number;
  /** Passes that were closed early because there was no room. */
  readonly evicted: number;
  /** Passes that are followed now. */
  readonly live: number;
  readonly noReads: number;
}

export function countersOf(counts: Float64Array, live: number): WindowCounters {
  return {
    reads: counts[count.reads]!,
    opened: counts[count.opened]!,
    suppressed: counts[count.suppressed]!,
    refused: { rssi: counts[count.weak]!, readsMin: counts[count.noise]! },
    pending: counts[count.pending]!,
    evicted: counts[count.evicted]!,
    live,
    noReads: counts[count.noReads]!,
  };
}
