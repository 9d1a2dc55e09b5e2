/** A run of sequences, both ends included. */
export type Range = readonly [from: number, to: number];

/**
 * How far one broker has acknowledged the ledger, and what it is to be handed next.
 *
 * Invariants
 * 1. `settled` is sorted; its ranges neither overlap nor touch.
 * 2. Within one connection each sequence is handed out at most once.
 * 3. What was handed out and not settled is handed out again by the next connection.
 * 4. Events that came after the connect (live) are handed out before older ones (backlog).
 */
export interface Cursor {
  /** Begins a connection when the ledger ends at `head`. */
  begin(head: number): void;
  /** Up to `max` sequences to hand out now, as ranges in the order in which to send them. */
  lease(head: number, max: number): Range[];
  /** Marks sequences as acknowledged, or as lost for good. Returns how many were not settled before. */
  settle(from: number, to?: number): number;
  /** The highest sequence up to which everything is settled; 0 at first. */
  contiguous(): number;
  /** How many sequences up to `head` are not settled. */
  queued(head: number): number;
  /** The lowest unsettled sequence; above the ledger's head if nothing is queued. */
  oldest(): number;
  ranges(): readonly Range[];
}

/** Makes a cursor from the ranges that stand in the ledger. Cost: O(log r) a call for r ranges; r stays in the tens. */
export function createCursor(stored: readonly Range[]): Cursor {
  const settled: [number, number][] = stored.map(([from, to]) => [from, to]);
  let liveNext = 1;
  let backlogNext = 1;
  let backlogEnd = 0;

  /** Index of the first range that ends at or after `sequence`. */
  function find(sequence: number): number {
    let low = 0;
    let high = settled.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (settled[middle]![1] < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Takes unsettled runs of [from, to] until `max` are taken; tells where it stopped. */
  function take(from: number, to: number, max: number, into: Range[]): { next: number; count: number } {
    let next = from;
    let count = 0;
    let index = find(from);
    while (next <= to && count < max) {
      const range = settled[index];
      if (range !== undefined && range[0] <= next) {
        next = range[1] + 1;
        index += 1;
        continue;
      }
      const end = Math.min(to, range === undefined ? to : range[0] - 1, next + (max - count) - 1);
      into.push([next, end]);
      count += end - next + 1;
      next = end + 1;
    }
    return { next, count };
  }

  const contiguous = (): number => (settled.length > 0 && settled[0]![0] === 1 ? settled[0]![1] : 0);

  return {
    begin(head) {
      liveNext = head + 1;
      backlogNext = 1;
      backlogEnd = head;
    },
    lease(head, max) {
      const ranges: Range[] = [];
      const live = take(liveNext, head, max, ranges);
      liveNext = live.next;
      backlogNext = take(backlogNext, backlogEnd, max - live.count, ranges).next;
      return ranges;
    },
    settle(from, to = from) {
      const first = find(from - 1);
      let last = first;
      let start = from;
      let end = to;
      let known = 0;
      while (last < settled.length && settled[last]![0] <= to + 1) {
        const [a, b] = settled[last]!;
        known += Math.max(0, Math.min(b, to) - Math.max(a, from) + 1);
        start = Math.min(start, a);
        end = Math.max(end, b);
        last += 1;
      }
      settled.splice(first, last - first, [start, end]);
      return to - from + 1 - known;
    },
    contiguous,
    oldest: () => contiguous() + 1,
    queued(head) {
      let count = head;
      for (const [from, to] of settled) count -= Math.max(0, Math.min(to, head) - from + 1);
      return count;
    },
    ranges: () => settled,
  };
}
