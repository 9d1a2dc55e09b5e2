import { countOf, createRangeSet, type Range } from "./range-set.ts";

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
  /** What was there before the connect goes up to `head` now: more was added to it. */
  extend(head: number): void;
  /** Up to `max` sequences to hand out now, as ranges in the order in which to send them. */
  lease(head: number, max: number): Range[];
  /** Only what came after the connect. */
  leaseLive(head: number, max: number): Range[];
  /** Only what was there before the connect, and what was reopened since. */
  leaseBacklog(max: number): Range[];
  /** Marks sequences as acknowledged, or as lost for good. Returns how many were not settled before. */
  settle(from: number, to?: number): number;
  /** Makes the settled ones of [from, to] unsettled: they are handed out again, behind all others. Gives which they were. */
  reopen(from: number, to: number): Range[];
  /** The highest sequence up to which everything is settled; 0 at first. */
  contiguous(): number;
  /** How many sequences up to `head` are not settled. */
  queued(head: number): number;
  /** The lowest unsettled sequence; above the ledger's head if nothing is queued. */
  oldest(): number;
  ranges(): readonly Range[];
}

/** Makes a cursor from the ranges that stand in the ledger. Cost: O(log r) a call for r ranges, tens of them as a rule. */
export function createCursor(stored: readonly Range[]): Cursor {
  const settled = createRangeSet(stored);
  let liveNext = 1;
  let backlogNext = 1;
  let backlogEnd = 0;
  let again: Range[] = [];

  const contiguous = (): number => {
    const [first] = settled.ranges();
    return first !== undefined && first[0] === 1 ? first[1] : 0;
  };

  /** Of a run that was reopened: what neither the live nor the backlog lease will come to by itself. */
  function passedBy([from, to]: Range): Range[] {
    const end = Math.min(to, liveNext - 1);
    if (backlogNext > backlogEnd) return [[from, end]];
    return [
      [from, Math.min(end, backlogNext - 1)],
      [Math.max(from, backlogEnd + 1), end],
    ];
  }

  function leaseLive(head: number, max: number): Range[] {
    const ranges: Range[] = [];
    liveNext = settled.missing(liveNext, head, max, ranges).next;
    return ranges;
  }

  function leaseBacklog(max: number): Range[] {
    const ranges: Range[] = [];
    const old = settled.missing(backlogNext, backlogEnd, max, ranges);
    backlogNext = old.next;
    let left = max - old.count;
    while (left > 0 && again.length > 0) {
      const [from, to] = again[0]!;
      const { next, count } = settled.missing(from, to, left, ranges);
      left -= count;
      if (next > to) again.shift();
      else again[0] = [next, to];
    }
    return ranges;
  }

  return {
    begin(head) {
      liveNext = head + 1;
      backlogNext = 1;
      backlogEnd = head;
      again = [];
    },
    extend(head) {
      backlogEnd = Math.max(backlogEnd, head);
    },
    lease(head, max) {
      const live = leaseLive(head, max);
      return [...live, ...leaseBacklog(max - countOf(live))];
    },
    leaseLive,
    leaseBacklog,
    settle: (from, to = from) => settled.add(from, to),
    reopen(from, to) {
      const opened = settled.remove(from, to);
      again.push(...opened.flatMap(passedBy).filter(([a, b]) => a <= b));
      return opened;
    },
    contiguous,
    oldest: () => contiguous() + 1,
    queued(head) {
      let count = head;
      for (const [from, to] of settled.ranges()) count -= Math.max(0, Math.min(to, head) - from + 1);
      return count;
    },
    ranges: settled.ranges,
  };
}
