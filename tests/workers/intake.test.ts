import { expect, test } from "vitest";
import { announce } from "../../src/model/event.ts";
import { createIntake } from "../../src/workers/intake.ts";
import { createTime } from "../fakes/time.ts";

test("R20 events that find no room are counted, and when that happened last is known", () => {
  const intake = createIntake({ post: () => {}, counters: () => ({}), timers: createTime().timers, uncommittedMax: 1 });
  const append = () => intake.append(announce("alarm", 0, { alarm: "full" }));
  expect([append(), intake.droppedCount(), intake.droppedAgoMs()]).toEqual(["taken", 0, undefined]);
  const before = performance.now();
  expect([append(), intake.droppedCount()]).toEqual(["full", 1]);
  const agoMs = intake.droppedAgoMs()!;
  expect(agoMs).toBeGreaterThanOrEqual(0);
  expect(agoMs).toBeLessThanOrEqual(performance.now() - before);
});
