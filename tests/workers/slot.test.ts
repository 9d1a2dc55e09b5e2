import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Ledger, openLedger } from "../../src/ledger/index.ts";
import { limits } from "../../src/model/limits.ts";
import { Slot } from "../../src/workers/slot.ts";

let dir: string;
let ledger: Ledger;
let nowMs = 0;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sortgate-slot-"));
  ledger = openLedger(join(dir, "ledger.db"), 16_000_000);
});
afterEach(() => {
  ledger.close();
  rmSync(dir, { recursive: true, force: true });
});

function aSlot(): Slot {
  nowMs = 0;
  return new Slot(ledger, "central", { monotonicMs: () => nowMs, wallMs: () => nowMs, boot: "00000000" });
}

describe("what a broker may be handed", () => {
  it("is all that it wants while its cursor is written", () => {
    const slot = aSlot();
    expect(slot.granted(256)).toBe(256);
    slot.delivered(1);
    slot.written();
    expect(slot.granted(256)).toBe(256);
  });

  it("leaves room for what it acknowledged and is not written, so that a crash repeats no more than the window", () => {
    const slot = aSlot();
    for (let sequence = 1; sequence <= 10; sequence += 1) slot.delivered(sequence);
    expect(slot.granted(25)).toBe(15);
    expect(slot.isDue()).toBe(false);
  });

  it("is nothing when that takes the whole window, and then the cursor is written at once", () => {
    const slot = aSlot();
    for (let sequence = 1; sequence <= 3; sequence += 1) slot.delivered(sequence);
    expect(slot.granted(3)).toBe(0);
    expect(slot.isDue()).toBe(true);
    slot.written();
    expect(slot.isDue()).toBe(false);
    expect(slot.granted(3)).toBe(3);
  });

  it("is all again where the disk takes no cursor: more repeats are better than a jam", () => {
    const slot = aSlot();
    for (let sequence = 1; sequence <= 3; sequence += 1) slot.delivered(sequence);
    expect(slot.granted(3)).toBe(0);
    nowMs = limits.settleHoldMsMax;
    expect(slot.granted(3)).toBe(3);
  });
});

it("what stands in the list of refused events is not sent again with the range that it lies in", () => {
  const slot = aSlot();
  slot.connect(10, 0);
  slot.cursor.leaseBacklog(10);
  for (const sequence of [1, 2, 3, 5]) slot.delivered(sequence);
  slot.refuse({ sequence: 4, reason: "packet too large" });
  expect(slot.replay(2, 5, [])).toBe(3);
  expect(slot.counts().delivered).toBe(1);
  expect(slot.cursor.leaseBacklog(10)).toEqual([
    [2, 3],
    [5, 5],
  ]);
  for (const sequence of [2, 3, 5]) slot.delivered(sequence);
  expect([slot.counts().delivered, slot.refusals.stats().refusedCount]).toEqual([4, 1]);
});
