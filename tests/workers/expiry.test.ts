import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { dataOf, dayMs, dir, drafts, ofKind, openRig, type Rig, startMs } from "./core-rig.ts";

describe("retention", () => {
  it("destroys delivered epochs after their time, with a signed record, and never what is still queued", () => {
    const rig = openRig({ retainMs: dayMs });
    rig.core.clockIs("synchronized");
    const nextDay = (): void => {
      rig.core.append(drafts(5), {});
      rig.advance(dayMs);
      rig.core.commit();
    };
    for (let day = 0; day < 4; day += 1) nextDay();
    const epochs = ofKind(rig, "epoch").map((event) => event.sequence);
    const delivered = epochs[2]! + 2;
    rig.core.outbox.connect("central");
    rig.core.outbox.settle(
      "central",
      Array.from({ length: delivered }, (_, index) => index + 1),
    );
    rig.advance(5 * dayMs);
    rig.core.retain();
    const last = epochs[2]! - 1;
    expect(dataOf(ofKind(rig, "purge")[0]!)).toEqual({
      from: "1",
      to: String(last),
      count: last,
      reason: "retention",
    });
    // What stays begins with the event that tells the key of the events behind it.
    expect(rig.core.stats()).toMatchObject({ first: epochs[2], lostCount: 0 });
    rig.close();
  });

  /** Delivered events of a run that ends a minute before now; then another run, whose clock is that much ahead. */
  function restart(aheadMs: number): Rig {
    const first = openRig({ retainMs: dayMs });
    first.core.append(drafts(5), {});
    first.core.commit();
    first.core.rotateKey();
    first.core.outbox.connect("central");
    first.core.outbox.settle("central", [1, 2, 3, 4, 5, 6, 7]);
    first.core.flush();
    first.close();
    return openRig({ retainMs: dayMs }, undefined, aheadMs);
  }

  it("leaves events of a minute ago alone when the clock is 60 days ahead at the next start, synchronised or not", () => {
    for (const state of ["unsynchronized", "synchronized", "unwatched"] as const) {
      const rig = restart(60 * dayMs);
      rig.core.clockIs(state);
      rig.core.retain();
      expect([state, ofKind(rig, "purge")]).toEqual([state, []]);
      expect(rig.core.stats()).toMatchObject({ first: 1 });
      rig.close();
      rmSync(join(dir, "ledger.db"));
    }
  });

  it("takes events of a run for as old as the run has measured, although they were made by a clock far behind", () => {
    const rig = restart(-400 * dayMs);
    rig.advance(2 * dayMs);
    rig.core.append(drafts(5, 10, startMs - 398 * dayMs), {});
    rig.core.rotateKey();
    rig.core.outbox.settle(
      "central",
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
    const { last } = rig.core.stats();
    rig.setAhead(0);
    rig.core.clockIs("synchronized");
    rig.core.retain();
    expect(rig.core.stats().first).toBeLessThan(last - 6);
    rig.advance(dayMs);
    rig.core.retain();
    expect(rig.core.stats().first).toBe(last);
    rig.close();
  });

  it("destroys them once their time was measured, and only by a clock that is known to be right", () => {
    const rig = restart(0);
    rig.advance(2 * dayMs);
    rig.core.retain();
    expect(ofKind(rig, "purge")).toEqual([]);
    rig.core.clockIs("synchronized");
    rig.core.retain();
    expect(dataOf(ofKind(rig, "purge")[0]!)).toMatchObject({ from: "1", to: "6", reason: "retention" });
    rig.close();
  });

  it("goes in parts when a day was long, so that commits and brokers do not wait for all of it", () => {
    const rig = openRig({ retainMs: dayMs, bytesMax: 100_000_000 });
    rig.core.clockIs("synchronized");
    const count = 12_000;
    rig.core.outbox.connect("central");
    for (let done = 0; done < count; done += 250) {
      rig.core.append(drafts(250), {});
      rig.core.commit();
      rig.core.outbox.settle(
        "central",
        rig.core.outbox.lease("central", 300).map(({ sequence }) => sequence),
      );
    }
    rig.advance(dayMs);
    rig.core.append(drafts(1), {});
    rig.core.commit();
    const begun = ofKind(rig, "epoch")[1]!.sequence;
    const all = Array.from({ length: begun }, (_, index) => index + 1);
    rig.core.outbox.settle("central", all);
    rig.advance(3 * dayMs);
    expect(rig.core.retain()).toBe(true);
    // What is sent again is queued, and stays until it is delivered.
    rig.core.replay("central", 6_000, 6_010);
    let parts = 1;
    while (rig.core.retain()) parts += 1;
    expect(rig.core.stats().first).toBe(6_000);
    rig.core.outbox.settle("central", all.slice(5_999, 6_010));
    parts += 1;
    while (rig.core.retain()) parts += 1;
    const purges = ofKind(rig, "purge").map((event) => dataOf(event) as { from: string; to: string; count: number });
    expect([parts, purges.length]).toEqual([7, 7]);
    expect(Math.max(...purges.map((purge) => purge.count))).toBeLessThanOrEqual(2_000);
    expect(purges.map(({ from }) => from)).toEqual([
      "1",
      ...purges.slice(0, -1).map(({ to }) => String(Number(to) + 1)),
    ]);
    expect([purges.at(-1)!.to, rig.core.stats().first]).toEqual([String(begun - 1), begun]);
    rig.close();
  });
});
