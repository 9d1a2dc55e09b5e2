import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createCursor, type Range } from "../../src/ledger/index.ts";

const all = (ranges: readonly Range[]): number[] =>
  ranges.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, index) => from + index));

describe("a cursor", () => {
  it("hands out live events before the backlog", () => {
    const cursor = createCursor([[1, 10]]);
    cursor.begin(100);
    expect(cursor.lease(102, 5)).toEqual([
      [101, 102],
      [11, 13],
    ]);
    expect(cursor.lease(103, 3)).toEqual([
      [103, 103],
      [14, 15],
    ]);
  });

  it("hands out again after a new connection what was not settled", () => {
    const cursor = createCursor([]);
    cursor.begin(0);
    expect(all(cursor.lease(4, 10))).toEqual([1, 2, 3, 4]);
    cursor.settle(2);
    cursor.begin(4);
    expect(all(cursor.lease(4, 10))).toEqual([1, 3, 4]);
  });

  it("counts what a settled run covered for the first time", () => {
    const cursor = createCursor([[5, 6]]);
    expect(cursor.settle(1, 8)).toBe(6);
    expect(cursor.ranges()).toEqual([[1, 8]]);
    expect(cursor.contiguous()).toBe(8);
    expect(cursor.oldest()).toBe(9);
  });

  it("agrees with a set of numbers over random histories", () => {
    const action = fc.oneof(
      fc.record({ kind: fc.constant("grow" as const), count: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ kind: fc.constant("begin" as const) }),
      fc.record({ kind: fc.constant("lease" as const), max: fc.integer({ min: 1, max: 6 }) }),
      fc.record({ kind: fc.constant("settle" as const), pick: fc.nat(50) }),
      fc.record({ kind: fc.constant("lose" as const), pick: fc.nat(50) }),
      fc.record({ kind: fc.constant("reopen" as const), pick: fc.nat(50), length: fc.nat(9) }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
        let cursor = createCursor([]);
        const settled = new Set<number>();
        let handedOut = new Set<number>();
        let head = 0;
        cursor.begin(0);
        for (const step of actions) {
          if (step.kind === "grow") head += step.count;
          else if (step.kind === "begin") {
            // What stands in the ledger is the ranges alone.
            cursor = createCursor(cursor.ranges());
            cursor.begin(head);
            handedOut = new Set();
          } else if (step.kind === "lease") {
            const sequences = all(cursor.lease(head, step.max));
            expect(sequences.length).toBeLessThanOrEqual(step.max);
            for (const sequence of sequences) {
              expect(settled.has(sequence) || handedOut.has(sequence) || sequence > head).toBe(false);
              handedOut.add(sequence);
            }
            if (sequences.length < step.max)
              for (let sequence = 1; sequence <= head; sequence += 1)
                expect(settled.has(sequence) || handedOut.has(sequence)).toBe(true);
          } else if (step.kind === "reopen") {
            const from = 1 + step.pick;
            const reopened = all([[from, from + step.length]]).filter((sequence) => settled.has(sequence));
            expect(all(cursor.reopen(from, from + step.length))).toEqual(reopened);
            for (const sequence of reopened) {
              settled.delete(sequence);
              // It may have been handed out before, and is so once more.
              handedOut.delete(sequence);
            }
          } else if (head > 0) {
            const to = 1 + (step.pick % head);
            const from = step.kind === "settle" ? to : 1;
            let added = 0;
            for (let sequence = from; sequence <= to; sequence += 1) {
              if (!settled.has(sequence)) added += 1;
              settled.add(sequence);
            }
            expect(cursor.settle(from, to)).toBe(added);
          }
          expect(cursor.queued(head)).toBe(head - settled.size);
          let contiguous = 0;
          while (settled.has(contiguous + 1)) contiguous += 1;
          expect(cursor.contiguous()).toBe(contiguous);
          const ranges = cursor.ranges();
          expect(all(ranges)).toEqual([...settled].sort((a, b) => a - b));
          for (let index = 1; index < ranges.length; index += 1)
            expect(ranges[index]![0]).toBeGreaterThan(ranges[index - 1]![1] + 1);
        }
      }),
      { numRuns: 300 },
    );
  });
});
