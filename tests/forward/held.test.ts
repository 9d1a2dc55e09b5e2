import { expect, it } from "vitest";
import { createHeld } from "../../src/forward/held.ts";
import type { Timers } from "../../src/lib/clock.ts";
import type { SealedEvent } from "../../src/model/event.ts";
import { limits } from "../../src/model/limits.ts";

const anEvent = (sequence: number): SealedEvent => ({ sequence, kind: "read", subject: "t", bytes: new Uint8Array(0) });

it("the first retry comes soon, however many events were refused before it", () => {
  const pauses: number[] = [];
  const timers: Timers = {
    after(durationMs) {
      pauses.push(durationMs);
      return () => {};
    },
    every: () => () => {},
    soon: (work) => work(),
  };
  const held = createHeld(() => true, { timers, random: () => 1 });
  for (let sequence = 1; sequence <= 300; sequence += 1) held.hold(anEvent(sequence));
  expect(held.count()).toBe(limits.heldEventsMax);
  expect(pauses).toHaveLength(1);
  expect(pauses[0]).toBeLessThanOrEqual(2 * limits.backoff.baseMs);
  held.close();
});
