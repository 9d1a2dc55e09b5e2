import type { Timers } from "../../src/lib/clock.ts";

/** Time that stands still until it is advanced. */
export function createTime(): { timers: Timers; nowMs: () => number; advance(durationMs: number): Promise<void> } {
  let nowMs = 0;
  let waiting: { atMs: number; intervalMs: number; work: () => void }[] = [];
  const add = (delayMs: number, intervalMs: number, work: () => void): (() => void) => {
    const entry = { atMs: nowMs + delayMs, intervalMs, work };
    waiting.push(entry);
    return () => {
      waiting = waiting.filter((one) => one !== entry);
    };
  };
  const rest = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  return {
    timers: {
      after: (durationMs, work) => add(durationMs, 0, work),
      every: (intervalMs, work) => add(intervalMs, intervalMs, work),
      soon: (work) => void setImmediate(work),
    },
    nowMs: () => nowMs,
    async advance(durationMs) {
      const untilMs = nowMs + durationMs;
      await rest();
      for (;;) {
        const [next] = waiting.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs);
        if (next === undefined) break;
        nowMs = next.atMs;
        if (next.intervalMs > 0) next.atMs += next.intervalMs;
        else waiting = waiting.filter((one) => one !== next);
        next.work();
        await rest();
      }
      nowMs = untilMs;
    },
  };
}
