import type { Cancel } from "../../src/lib/clock.ts";

/** Simulated time: what is to happen, and when. Two things at one time happen in the order in which they were asked for. */
export interface Schedule {
  nowMs(): number;
  at(atMs: number, work: () => void): Cancel;
  /** Each `intervalMs`; `work` gives false when it is to happen no more. */
  every(intervalMs: number, work: () => boolean): void;
  /** Tells that a promise was settled outside of what the schedule knows. */
  touch(): void;
  /** Does what comes next, if it comes up to `untilMs`, and all that follows from it at once. False: nothing does. */
  step(untilMs: number): Promise<boolean>;
}

interface Entry {
  atMs: number;
  readonly order: number;
  readonly intervalMs: number;
  /** False: it is over, if it was to repeat. */
  work: (() => boolean) | undefined;
}

const isBefore = (a: Entry, b: Entry): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** All callbacks of promises that are settled have run when this resolves. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export function createSchedule(): Schedule {
  const heap: Entry[] = [];
  let nowMs = 0;
  let orderNext = 0;
  let isTouched = false;

  function push(entry: Entry): void {
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(entry, heap[above]!)) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = entry;
  }

  function pop(): Entry {
    const first = heap[0]!;
    const last = heap.pop()!;
    const count = heap.length;
    if (count === 0) return first;
    let at = 0;
    for (let below = 1; below < count; below = 2 * at + 1) {
      if (below + 1 < count && isBefore(heap[below + 1]!, heap[below]!)) below += 1;
      if (!isBefore(heap[below]!, last)) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = last;
    return first;
  }

  const once = (atMs: number, work: () => void): Cancel => {
    isTouched = true;
    orderNext += 1;
    const run = (): boolean => {
      work();
      return false;
    };
    const entry: Entry = { atMs: Math.max(atMs, nowMs), order: orderNext, intervalMs: 0, work: run };
    push(entry);
    return () => {
      entry.work = undefined;
    };
  };

  return {
    nowMs: () => nowMs,
    at: once,
    every(intervalMs, work) {
      orderNext += 1;
      push({ atMs: nowMs + intervalMs, order: orderNext, intervalMs, work });
    },
    touch() {
      isTouched = true;
    },
    async step(untilMs) {
      while (heap.length > 0 && heap[0]!.work === undefined) pop();
      if (heap.length === 0 || heap[0]!.atMs > untilMs) {
        nowMs = Math.max(nowMs, untilMs);
        return false;
      }
      const entry = pop();
      nowMs = entry.atMs;
      isTouched = entry.intervalMs === 0;
      if (entry.work!() && entry.intervalMs > 0) {
        entry.atMs = nowMs + entry.intervalMs;
        push(entry);
      }
      // Most of what repeats does nothing; to wait for promises each time would take most of the time.
      if (isTouched) await settled();
      return true;
    },
  };
}
