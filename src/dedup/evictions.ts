import type { Tell } from "../model/notice.ts";
import type { DurationMs, MonotonicMs } from "../model/units.ts";

/** A warning stands for this long; what is evicted meanwhile is counted into the next. */
const noticeMs: DurationMs = 1_000;

/** Tells of passes that were ended early: the first at once, then at most one notice a second. */
export interface Evictions {
  add(nowMs: MonotonicMs): void;
  /** Tells what still waits, if its time has come. */
  remind(nowMs: MonotonicMs): void;
  /** Tells what still waits. */
  flush(): void;
}

export function createEvictions(tell: Tell, readPoint: string, passesMax: number): Evictions {
  let untoldCount = 0;
  let toldAtMs: MonotonicMs = Number.NEGATIVE_INFINITY;
  const flush = (): void => {
    if (untoldCount === 0) return;
    tell({
      name: "pass/evicted",
      level: "warn",
      message: `Read point ${readPoint} had no room for more codes and ended passes early, so they may be told again; lower its depart_ms or split its devices over two read points`,
      fields: { readPoint, count: untoldCount, passesMax },
    });
    untoldCount = 0;
  };
  const remind = (nowMs: MonotonicMs): void => {
    if (untoldCount === 0 || nowMs - toldAtMs < noticeMs) return;
    toldAtMs = nowMs;
    flush();
  };
  return {
    add(nowMs) {
      untoldCount += 1;
      remind(nowMs);
    },
    remind,
    flush,
  };
}
