import { expect, test } from "vitest";
import { imbalances } from "../../src/control/index.ts";
import { aBroker, aStatus } from "./a-view.ts";

test("a status in which all reads and events are accounted for has no imbalance", () => {
  expect(imbalances(aStatus())).toEqual([]);
  const lost = aBroker({
    deliveredCount: 3,
    queuedCount: 3,
    refusedCount: 1,
    lostCount: { "queue-full": 4, damaged: 1 },
  });
  expect(imbalances(aStatus({ brokers: [lost] }))).toEqual([]);
});

test("one read or one event too many or too few is named with its place", () => {
  const status = aStatus();
  const readPoints = [{ ...status.readPoints[0]!, suppressedCount: 57 }];
  expect(imbalances({ ...status, readPoints })).toEqual([expect.stringContaining("tunnel-1")]);
  expect(imbalances(aStatus({ brokers: [aBroker({ queuedCount: 1 })] }))).toEqual([expect.stringContaining("central")]);
});
