import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createCursor, type Ledger, openLedger, type Range } from "../../src/ledger/index.ts";
import { aCommit, anEvent } from "./a-commit.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sortgate-cursor-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A ledger with one event in it. */
function open(): Ledger {
  const ledger = openLedger(join(dir, "ledger.db"), 40_000_000);
  if (ledger.extent().last === 0) ledger.commit(aCommit([anEvent(1)]));
  return ledger;
}

/** Bytes that this process has handed to the system for writing. */
function writtenBytes(): number {
  return Number(/^wchar: (\d+)$/m.exec(readFileSync("/proc/self/io", "utf8"))![1]);
}

function write(ledger: Ledger, ranges: readonly Range[], added: readonly Range[] | undefined): string {
  return ledger.commit({
    ...aCommit([anEvent(1)]),
    events: [],
    settled: new Map([["central", ranges]]),
    ...(added === undefined ? {} : { added: new Map([["central", added]]) }),
  });
}

describe("a cursor of a broker that takes every other event", () => {
  it("is written at a cost that does not grow with it, never calls the ledger full, and is there at the next start", () => {
    let ledger = open();
    const cursor = createCursor([]);
    const before = writtenBytes();
    for (let next = 1; next < 400_000; ) {
      const added: Range[] = [];
      for (; added.length < 200; next += 2) {
        cursor.settle(next);
        added.push([next, next]);
      }
      expect(write(ledger, cursor.ranges(), added)).toBe("stored");
    }
    const wholeBytes = JSON.stringify(cursor.ranges()).length;
    // As a whole it was written a thousand times, that would be some 1.5 GB.
    expect(writtenBytes() - before).toBeLessThan(40 * wholeBytes);
    ledger.close();
    ledger = open();
    expect(ledger.cursor("central")).toEqual(cursor.ranges());
    ledger.close();
  });

  it("is the same as what was written, whatever came in or was taken away, over any restarts", () => {
    const step = fc.oneof(
      { weight: 12, arbitrary: fc.record({ add: fc.integer({ min: 1, max: 4_000 }), holes: fc.boolean() }) },
      { weight: 1, arbitrary: fc.record({ remove: fc.integer({ min: 1, max: 4_000 }) }) },
      { weight: 1, arbitrary: fc.constant("restart" as const) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        rmSync(join(dir, "ledger.db"), { force: true });
        for (const end of ["-wal", "-shm", "-reserve"]) rmSync(join(dir, `ledger.db${end}`), { force: true });
        let ledger = open();
        let cursor = createCursor([]);
        // Many ranges from the start on.
        for (let at = 10_000; at < 10_800; at += 2) cursor.settle(at);
        expect(write(ledger, cursor.ranges(), undefined)).toBe("stored");
        for (const one of steps) {
          if (one === "restart") {
            ledger.close();
            ledger = open();
            expect(ledger.cursor("central")).toEqual(cursor.ranges());
            cursor = createCursor(ledger.cursor("central"));
          } else if ("remove" in one) {
            cursor.reopen(one.remove, one.remove + 50);
            expect(write(ledger, cursor.ranges(), undefined)).toBe("stored");
          } else {
            const added: Range[] = [];
            for (let at = one.add; at < one.add + 40; at += one.holes ? 2 : 1) {
              cursor.settle(at);
              added.push([at, at]);
            }
            expect(write(ledger, cursor.ranges(), added)).toBe("stored");
          }
        }
        expect(ledger.cursor("central")).toEqual(cursor.ranges());
        ledger.close();
      }),
      { numRuns: 25 },
    );
  }, 60_000);
});
