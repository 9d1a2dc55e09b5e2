/** Where each count stands. Floats in one array: they go on beyond 2^31 and are never boxed. */
export const count = {
  /** Repeated reads that went the short way: each stands for a read and a suppressed one. */
  repeats: 0,
  otherReads: 1,
  opened: 2,
  otherSuppressed: 3,
  weak: 4,
  noise: 5,
  pending: 6,
  evicted: 7,
  noReads: 8,
} as const;
export const countsLength = 9;

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
    reads: counts[count.repeats]! + counts[count.otherReads]!,
    opened: counts[count.opened]!,
    suppressed: counts[count.repeats]! + counts[count.otherSuppressed]!,
    refused: { rssi: counts[count.weak]!, readsMin: counts[count.noise]! },
    pending: counts[count.pending]!,
    evicted: counts[count.evicted]!,
    live,
    noReads: counts[count.noReads]!,
  };
}
