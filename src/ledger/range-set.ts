/** A run of sequences, both ends included. */
export type Range = readonly [from: number, to: number];

/** How many sequences there are in ranges that do not overlap. */
export function countOf(ranges: readonly Range[]): number {
  let count = 0;
  for (const [from, to] of ranges) count += to - from + 1;
  return count;
}

/**
 * A set of sequences, kept as ranges that are sorted and neither overlap nor touch.
 *
 * Cost:    O(log r) a call for r ranges.
 */
export interface RangeSet {
  /** Gives how many were not in the set before. */
  add(from: number, to: number): number;
  /** Gives which were in the set before. */
  remove(from: number, to: number): Range[];
  /** Puts up to `max` sequences of [from, to] that are not in the set into `into`; tells where it stopped. */
  missing(from: number, to: number, max: number, into: Range[]): { next: number; count: number };
  ranges(): readonly Range[];
}

export function createRangeSet(stored: readonly Range[]): RangeSet {
  const held: [number, number][] = stored.map(([from, to]) => [from, to]);

  /** Index of the first range that ends at or after `sequence`. */
  function find(sequence: number): number {
    let low = 0;
    let high = held.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (held[middle]![1] < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  return {
    add(from, to) {
      const first = find(from - 1);
      let last = first;
      let start = from;
      let end = to;
      let known = 0;
      while (last < held.length && held[last]![0] <= to + 1) {
        const [a, b] = held[last]!;
        known += Math.max(0, Math.min(b, to) - Math.max(a, from) + 1);
        start = Math.min(start, a);
        end = Math.max(end, b);
        last += 1;
      }
      held.splice(first, last - first, [start, end]);
      return to - from + 1 - known;
    },
    remove(from, to) {
      const first = find(from);
      const removed: Range[] = [];
      const kept: [number, number][] = [];
      let last = first;
      for (; last < held.length && held[last]![0] <= to; last += 1) {
        const [a, b] = held[last]!;
        removed.push([Math.max(a, from), Math.min(b, to)]);
        if (a < from) kept.push([a, from - 1]);
        if (b > to) kept.push([to + 1, b]);
      }
      held.splice(first, last - first, ...kept);
      return removed;
    },
    missing(from, to, max, into) {
      let next = from;
      let count = 0;
      let index = find(from);
      while (next <= to && count < max) {
        const range = held[index];
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
    },
    ranges: () => held,
  };
}
