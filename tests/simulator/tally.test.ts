import { describe, expect, it } from "vitest";
import { type Arrival, createTally } from "../../simulator/demo/tally.ts";
import type { Truth } from "../../simulator/truth.ts";

function aTruth(truth: Partial<Truth> = {}): Truth {
  return { kind: "read", readPoint: "tunnel-1", parcel: 1, code: "SF1000000000001", passedAtMs: 1_000, ...truth };
}

function anArrival(arrival: Partial<Arrival> = {}): Arrival {
  return {
    kind: "read",
    readPoint: "tunnel-1",
    device: "scanner-1",
    code: "SF1000000000001",
    arrivedAtMs: 1_004,
    ...arrival,
  };
}

const aToken = aTruth({ kind: "token", code: undefined as never, length: 40 });

describe("the tally of truth and events", () => {
  it("matches one event with one pass and measures the time between", () => {
    const tally = createTally();
    tally.expect(aTruth());
    expect(tally.arrive(anArrival())).toMatchObject({ latencyMs: 4, truth: { parcel: 1 } });
    expect(tally.isComplete()).toBe(true);
    expect(tally.summary(2_000, 500)).toEqual({
      expectedCount: 1,
      matchedCount: 1,
      duplicateCount: 0,
      missingCount: 0,
      pendingCount: 0,
      latencyP50Ms: 4,
      latencyP99Ms: 4,
    });
  });

  it("matches an event that was faster than the truth", () => {
    const tally = createTally();
    tally.arrive(anArrival());
    expect(tally.expect(aTruth())).toMatchObject({ latencyMs: 4 });
    expect(tally.summary(2_000, 500)).toMatchObject({ duplicateCount: 0, missingCount: 0, matchedCount: 1 });
  });

  it("calls missing what does not come in time, and pending what still may", () => {
    const tally = createTally();
    tally.expect(aTruth());
    expect(tally.summary(1_200, 500)).toMatchObject({ missingCount: 0, pendingCount: 1 });
    expect(tally.summary(1_500, 500)).toMatchObject({ missingCount: 1, pendingCount: 0 });
    expect(tally.isComplete()).toBe(false);
    expect(tally.leftovers().missing).toHaveLength(1);
  });

  it("calls a second event of one pass a duplicate", () => {
    const tally = createTally();
    tally.expect(aTruth());
    tally.arrive(anArrival());
    tally.arrive(anArrival({ device: "scanner-2" }));
    expect(tally.summary(2_000, 500)).toMatchObject({ duplicateCount: 1, missingCount: 0 });
  });

  it("calls an event of what never passed a duplicate", () => {
    const tally = createTally();
    tally.arrive(anArrival({ code: "SF1999999999999" }));
    expect(tally.summary(2_000, 500).duplicateCount).toBe(1);
  });

  it("does not take one read point's event for another's", () => {
    const tally = createTally();
    tally.expect(aTruth());
    tally.arrive(anArrival({ readPoint: "tunnel-2" }));
    expect(tally.summary(2_000, 500)).toMatchObject({ duplicateCount: 1, missingCount: 1 });
  });

  it("matches no-reads by device, each once", () => {
    const tally = createTally();
    const noRead = aTruth({ kind: "no-read", code: undefined as never, device: "scanner-1" });
    tally.expect(noRead);
    tally.expect(noRead);
    tally.arrive(anArrival({ kind: "noread", code: undefined, device: "scanner-1" }));
    tally.arrive(anArrival({ kind: "noread", code: undefined, device: "scanner-2" }));
    expect(tally.summary(2_000, 500)).toMatchObject({ matchedCount: 1, missingCount: 1, duplicateCount: 1 });
  });

  it("matches tokens by length, and never a label that came in clear", () => {
    const tally = createTally();
    tally.expect(aToken);
    tally.arrive(anArrival({ code: "13812345678" }));
    expect(tally.summary(2_000, 500)).toMatchObject({ missingCount: 1, duplicateCount: 1 });
    tally.arrive(anArrival({ code: undefined, length: 40 }));
    expect(tally.summary(2_000, 500)).toMatchObject({ missingCount: 0, duplicateCount: 1 });
  });

  it("expects a stalled pass once, and no other summary", () => {
    const tally = createTally();
    tally.expect(aTruth({ kind: "stalled" }));
    tally.arrive(anArrival({ kind: "pass", closeReason: "departed" }));
    expect(tally.summary(2_000, 500)).toMatchObject({ missingCount: 1, duplicateCount: 1 });
    tally.arrive(anArrival({ kind: "pass", closeReason: "stalled" }));
    expect(tally.summary(2_000, 500)).toMatchObject({ missingCount: 0, duplicateCount: 1 });
  });

  it("lets go of what the belt took back, whether it comes or not", () => {
    const silent = createTally();
    silent.expect(aTruth({ kind: "stalled" }));
    silent.expect(aTruth({ kind: "stalled", mayBeMissing: true }));
    expect(silent.isComplete()).toBe(true);
    const late = createTally();
    late.expect(aTruth({ kind: "stalled" }));
    late.expect(aTruth({ kind: "stalled", mayBeMissing: true }));
    late.arrive(anArrival({ kind: "pass", closeReason: "stalled" }));
    expect(late.summary(2_000, 500)).toMatchObject({ duplicateCount: 0, missingCount: 0 });
  });

  it("tells the median and the 99th percentile of the latency", () => {
    const tally = createTally();
    for (let at = 1; at <= 100; at += 1) {
      tally.expect(aTruth({ code: `SF${at}`, passedAtMs: 0 }));
      tally.arrive(anArrival({ code: `SF${at}`, arrivedAtMs: at }));
    }
    expect(tally.summary(1_000, 0)).toMatchObject({ latencyP50Ms: 50, latencyP99Ms: 99 });
  });
});
