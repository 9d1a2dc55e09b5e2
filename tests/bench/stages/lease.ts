import { createCursor } from "../../../src/ledger/index.ts";
import { type Cost, timed } from "./fixtures.ts";

const count = 1_000_000;
const window = 256;

/** Lease and settle of a million events by one broker, acknowledged in order. */
export function leaseAndSettle(): Promise<Cost> {
  const cursor = createCursor([]);
  cursor.begin(count);
  return timed(count, () => {
    for (;;) {
      const ranges = cursor.lease(count, window);
      if (ranges.length === 0) return;
      for (const [from, to] of ranges) for (let sequence = from; sequence <= to; sequence += 1) cursor.settle(sequence);
    }
  });
}

/** The same with a Set of what is delivered: what one would write first. */
export function leaseFromSet(): Promise<Cost> {
  const settled = new Set<number>();
  let next = 1;
  return timed(count, () => {
    while (next <= count) {
      const leased: number[] = [];
      while (leased.length < window && next <= count) {
        if (!settled.has(next)) leased.push(next);
        next += 1;
      }
      for (const sequence of leased) settled.add(sequence);
    }
  });
}
