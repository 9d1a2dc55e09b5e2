import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { dataOf, dir, drafts, ofKind, openRig, type Rig } from "./core-rig.ts";

/** A ledger that lies beside the next one as a damaged one would; gives its name and the chain's last sequence. */
function leave(count: number): { file: string; last: number } {
  const rig = openRig({ bytesMax: 60_000_000 });
  rig.core.append(drafts(count, 10_000), {});
  rig.core.flush();
  const { last } = rig.core.stats();
  rig.close();
  const file = join(dir, "ledger.db.damaged-20261123T031011Z");
  renameSync(join(dir, "ledger.db"), file);
  return { file, last };
}

/** Delivers what the list of salvaged events holds. Gives their places in their chain. */
function deliver(rig: Rig): number[] {
  const events = rig.core.outbox.lease("central", 100).filter(({ sequence }) => sequence < 0);
  rig.core.outbox.settle(
    "central",
    events.map(({ sequence }) => sequence),
  );
  rig.advance(1_000);
  rig.core.commit();
  return events.map(({ origin }) => origin!.sequence);
}

describe("a damaged ledger", () => {
  it("that is larger than the new one may be is read on as its events are delivered, each of them once", () => {
    const { file, last } = leave(1_500);
    const rig = openRig({ bytesMax: 11_000_000, whenFull: "stop-reading" });
    expect(rig.ledger.unsalvaged()).toEqual([{ file, reached: 0 }]);
    rig.core.salvage({ file, reached: 0 }, "moved aside", Number.POSITIVE_INFINITY);
    const [alarm] = ofKind(rig, "alarm").map(dataOf);
    expect(alarm).toMatchObject({ salvaged: expect.any(Number), left: expect.any(Number), read: last });
    expect(alarm!.left).toBeGreaterThan(100);
    expect((alarm!.salvaged as number) + (alarm!.left as number)).toBe(last);
    rig.core.outbox.connect("central");
    const delivered: number[] = [];
    for (let round = 0; round < 100 && delivered.length < last; round += 1) {
      delivered.push(...deliver(rig));
    }
    expect(delivered.sort((a, b) => a - b)).toEqual(Array.from({ length: last }, (_, index) => index + 1));
    expect(rig.ledger.unsalvaged()).toEqual([]);
    expect(existsSync(`${file}.sent`)).toBe(true);
    rig.close();
  });

  it("does not keep a full one from starting, and is read once there is room", () => {
    const { file, last } = leave(20);
    const before = openRig();
    before.close();
    let isDiskFull = true;
    const rig = openRig({}, () => isDiskFull);
    expect(rig.core.salvage({ file, reached: 0 }, "moved aside", Number.POSITIVE_INFINITY)).toBe(false);
    rig.core.outbox.connect("central");
    expect(ofKind(rig, "alarm")).toEqual([]);
    isDiskFull = false;
    const delivered: number[] = [];
    for (let round = 0; round < 10; round += 1) {
      rig.core.readOn();
      delivered.push(...deliver(rig));
    }
    expect(delivered.sort((a, b) => a - b)).toEqual(Array.from({ length: last }, (_, index) => index + 1));
    expect(rig.ledger.unsalvaged()).toEqual([]);
    rig.close();
  });

  it("of which nothing finds room is told once, and not read again and again", () => {
    const { file } = leave(20);
    const full = openRig({ bytesMax: 11_000_000, whenFull: "drop-newest" });
    for (let round = 0; round < 600; round += 1, full.advance(1_000)) {
      full.core.append(drafts(1, 10_000), {});
      full.core.commit();
    }
    expect(full.core.stats().full).toBe("bytes_max");
    full.close();
    // There is room for its own records, and for nothing else.
    const rig = openRig({ bytesMax: 11_000_000, whenFull: "drop-newest" });
    rig.core.salvage({ file, reached: 0 }, "moved aside", Number.POSITIVE_INFINITY);
    for (let round = 0; round < 20; round += 1, rig.advance(1_000)) {
      rig.core.commit();
      rig.core.readOn();
    }
    expect(rig.ledger.unsalvaged()).toEqual([{ file, reached: 0 }]);
    expect(ofKind(rig, "alarm")).toHaveLength(1);
    expect(rig.notices.filter(({ name }) => name === "ledger/damaged")).toHaveLength(1);
    rig.close();
  });

  it("whose events a broker refuses for good leaves them in its list, with their place", () => {
    const { file, last } = leave(3);
    const rig = openRig();
    rig.core.salvage({ file, reached: 0 }, "moved aside", Number.POSITIVE_INFINITY);
    rig.core.outbox.connect("central");
    const events = rig.core.outbox.lease("central", 100).filter(({ sequence }) => sequence < 0);
    expect(events).toHaveLength(last);
    const { sequence, origin } = events[1]!;
    rig.core.outbox.settle("central", [sequence], [{ sequence, reason: "no" }]);
    rig.core.flush();
    const reason = `no (event ${origin!.sequence} of chain ${origin!.chain})`;
    expect(rig.ledger.refused("central", 10)).toMatchObject([{ sequence, reason }]);
    // It is none of those that this chain counts.
    expect(rig.core.stats().brokers[0]).toMatchObject({ refusedCount: 0, lastRefused: { reason } });
    rig.close();
  });
});
