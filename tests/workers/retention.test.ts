import { beforeEach, describe, expect, it } from "vitest";
import { createRetention, type Retention } from "../../src/workers/retention.ts";

const dayMs = 86_400_000;
const hourMs = 3_600_000;
const retainMs = 30 * dayMs;
const rightAt = Date.parse("2026-11-23T03:10:00Z");

let elapsedMs: number;
let wrongMs: number;
let retention: Retention;
const open = (lastAt: number, wrong = 0): void => {
  [elapsedMs, wrongMs] = [0, wrong];
  const clock = { monotonicMs: () => elapsedMs, wallMs: () => rightAt + elapsedMs + wrongMs, boot: "00000000" };
  retention = createRetention({ clock, retainMs, lastAt, last: 100 });
};
/** Time passes, and somebody looks at the clock each hour. */
const run = (ms: number): void => {
  for (const end = elapsedMs + ms; elapsedMs < end; ) {
    elapsedMs = Math.min(end, elapsedMs + hourMs);
    retention.expired();
  }
};
/** How old an event must be by its own time to go; undefined: nothing goes. */
const ageMs = (): number | undefined => {
  const expired = retention.expired();
  return expired && rightAt + elapsedMs - expired.at;
};

beforeEach(() => open(rightAt - 60_000));

describe("retention by age, with a clock that a time server sets", () => {
  it("R19 lets go what is older than the days that it stays", () => {
    open(rightAt);
    retention.clockIs("synchronized");
    expect(ageMs()).toBe(retainMs);
    run(dayMs);
    expect(ageMs()).toBe(retainMs);
  });

  it("begins only when the time server has answered, and pauses while it does not", () => {
    expect(retention.expired()).toBeUndefined();
    retention.clockIs("unsynchronized");
    run(2 * dayMs);
    expect(retention.expired()).toBeUndefined();
    retention.clockIs("synchronized");
    expect(retention.expired()).toBeDefined();
    retention.clockIs("unsynchronized");
    expect(retention.expired()).toBeUndefined();
  });

  it("does not count time that no run has measured: a clock 60 days ahead makes nothing older", () => {
    open(rightAt - 60_000, 60 * dayMs);
    retention.clockIs("synchronized");
    elapsedMs = 10_000;
    // The newest event was made a minute before the start, and the run is 10 s old.
    expect(retention.expired()?.at).toBe(rightAt - 60_000 + 10_000 - retainMs);
  });

  it("goes by the clock when that is behind the ledger: events of a wrong future stay longer, not shorter", () => {
    open(rightAt + 60 * dayMs);
    retention.clockIs("synchronized");
    expect(ageMs()).toBe(retainMs);
  });

  it("takes events of this run for as old as it has measured, whatever their times say", () => {
    open(rightAt, -400 * dayMs);
    wrongMs = 0;
    retention.clockIs("synchronized");
    expect(retention.expired()?.last).toBe(100);
    run(dayMs);
    retention.passed(500);
    run(retainMs - dayMs);
    expect(retention.expired()?.last).toBe(100);
    run(dayMs);
    expect(retention.expired()?.last).toBe(500);
  });
});

describe("retention by age, where no time server is", () => {
  it("waits until the clock has run for a day", () => {
    retention.clockIs("unwatched");
    run(dayMs - hourMs);
    expect(retention.expired()).toBeUndefined();
    run(hourMs);
    expect(retention.expired()).toBeDefined();
  });

  it("waits a day again after each step of the clock", () => {
    retention.clockIs("unwatched");
    run(2 * dayMs);
    wrongMs = 60 * dayMs;
    expect(retention.expired()).toBeUndefined();
    run(dayMs - hourMs);
    expect(retention.expired()).toBeUndefined();
    run(hourMs);
    // By then the clock may be believed, and yet no more time counts than was measured.
    expect(retention.expired()?.at).toBe(rightAt - 60_000 + 3 * dayMs - retainMs);
  });
});
