import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Ledger, openLedger, type StoredEvent } from "../../src/ledger/index.ts";
import { aCommit, anEvent } from "./a-commit.ts";

const bytesMax = 9_000_000;
let dir: string;
let ledger: Ledger;
const open = (): Ledger => openLedger(join(dir, "ledger.db"), bytesMax);
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sortgate-kept-"));
  ledger = open();
});
afterEach(() => {
  ledger.close();
  rmSync(dir, { recursive: true, force: true });
});

const anEpoch = (sequence: number, text = `epoch ${sequence}`): StoredEvent => {
  return { ...anEvent(sequence, text), kind: "epoch", subject: undefined };
};

/** Events up to `to`, of which each tenth begins an epoch: 1, 11, 21, … */
const events = (from: number, to: number): StoredEvent[] =>
  Array.from({ length: to - from + 1 }, (_, index) => {
    const sequence = from + index;
    return sequence % 10 === 1 ? anEpoch(sequence) : anEvent(sequence);
  });

/** What an export from `from` on gives away. */
const given = (from = 1): number[] => ledger.read(from, 1e6, 1e6).map(({ sequence }) => sequence);
const destroy = (to: number, next: readonly StoredEvent[]): string => ledger.commit(aCommit(next, { destroyTo: to }));

describe("the epoch event of the first events on disk", () => {
  it("stays when it is destroyed and they are not, and is none of them", () => {
    ledger.commit(aCommit(events(1, 30)));
    expect([given().length, ledger.keptEpoch()]).toEqual([30, undefined]);
    destroy(14, [anEvent(31)]);
    expect(given()).toEqual([11, ...Array.from({ length: 17 }, (_, index) => index + 15)]);
    const [kept] = ledger.read(1, 1e6, 1e6);
    expect(kept).toMatchObject({ sequence: 11, kind: "epoch", bytes: Buffer.from("epoch 11") });
    expect(ledger.extent()).toMatchObject({ first: 15, last: 31 });
    expect([ledger.readEach(1, 31).length, ledger.lastEpoch(1, 20), ledger.erased.destroyed()]).toEqual([
      17,
      0,
      { earlier: 14 },
    ]);
    // Whoever asks for a part without its place gets the part.
    expect(given(12)[0]).toBe(15);
    expect(ledger.read(1, 12, 1e6)).toEqual([]);
  });

  it("is the same after another cut in its epoch, and the next one after a cut there, also for the next run", () => {
    ledger.commit(aCommit(events(1, 40)));
    destroy(13, [anEvent(41)]);
    destroy(16, [anEvent(42)]);
    expect(given().slice(0, 2)).toEqual([11, 17]);
    destroy(35, [anEvent(43)]);
    expect(given().slice(0, 2)).toEqual([31, 36]);
    ledger.close();
    ledger = open();
    expect(given().slice(0, 2)).toEqual([31, 36]);
  });

  it("goes where what stays begins with one: behind a cut, or with the same commit", () => {
    ledger.commit(aCommit(events(1, 30)));
    destroy(14, [anEvent(31)]);
    destroy(20, [anEvent(32)]);
    expect([given()[0], ledger.keptEpoch()]).toEqual([21, undefined]);
    destroy(23, [anEvent(33)]);
    destroy(33, [anEpoch(34)]);
    expect([given(), ledger.keptEpoch()]).toEqual([[34], undefined]);
    destroy(34, [anEvent(35)]);
    expect(given()).toEqual([34, 35]);
  });

  it("stays as it is when the commit finds no room", () => {
    ledger.commit(aCommit(events(1, 30)));
    destroy(13, [anEvent(31)]);
    expect(destroy(25, [anEvent(32, "x".repeat(5_000_000))])).toBe("full");
    expect(given().slice(0, 2)).toEqual([11, 14]);
  });

  it("needs no page that the file does not hold, when there is not one left", () => {
    const long = "x".repeat(11_900);
    let last = 0;
    const add = (event: (sequence: number, text: string) => StoredEvent, text: string, to = 0): string => {
      const answer = destroy(to, [event(last + 1, text)]);
      if (answer === "stored") last += 1;
      return answer;
    };
    for (let round = 0; round < 2; round += 1) {
      expect(add(anEpoch, long, last)).toBe("stored");
      expect(ledger.keptEpoch()).toBeUndefined();
      const begun = last;
      for (const size of [2_000_000, 200_000, 20_000, 2_000, 200, 1])
        while (add(anEvent, "x".repeat(size)) === "stored");
      expect(ledger.extent().usedBytes).toBe(ledger.extent().usedBytesMax);
      // What comes in is as long as what goes: nothing is left for what is kept.
      expect(add(anEvent, long, begun)).toBe("stored");
      expect(given().slice(0, 2)).toEqual([begun, begun + 1]);
      expect(add(anEvent, long)).toBe("full");
    }
  });
});
