import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { limits } from "../../src/model/limits.ts";
import { dataOf, dayMs, dir, drafts, ofKind, openRig, type Rig, startMs } from "./core-rig.ts";

describe("the ledger thread's core", () => {
  it("begins a new ledger and each later run with an epoch event, and goes on with the same chain", () => {
    const first = openRig();
    first.core.append(drafts(3), {});
    first.core.commit();
    first.close();
    const second = openRig();
    second.core.append(drafts(1), {});
    second.core.commit();
    expect(first.events.map((event) => [event.sequence, event.kind])).toEqual([
      [1, "epoch"],
      [2, "read"],
      [3, "read"],
      [4, "read"],
    ]);
    expect(dataOf(first.events[0]!).reason).toBe("new-ledger");
    expect(dataOf(second.events[0]!).reason).toBe("start");
    expect(second.events.map((event) => event.sequence)).toEqual([5, 6]);
    const epoch = JSON.parse(Buffer.from(second.events[0]!.bytes).toString()) as { previous: string };
    expect(epoch.previous).toBe(createHash("sha256").update(first.events[3]!.bytes).digest("base64url"));
    second.close();
  });

  it("takes all that waits into one commit, up to the bound", () => {
    const rig = openRig();
    rig.core.append(drafts(1.5 * limits.commitEventsMax), {});
    rig.core.commit();
    expect(rig.committedCount).toBe(limits.commitEventsMax);
    expect(rig.core.due()).toBe(true);
    rig.core.commit();
    expect(rig.committedCount).toBe(1.5 * limits.commitEventsMax);
    rig.close();
  });

  it("writes a checkpoint each minute, and at the stop, with counters and what brokers have", () => {
    const rig = openRig();
    rig.core.append(drafts(2), { reads: 7 });
    rig.core.commit();
    expect(ofKind(rig, "checkpoint")).toEqual([]);
    rig.core.outbox.connect("central");
    rig.core.outbox.settle("central", [1, 2]);
    rig.advance(60_000);
    expect(rig.core.due()).toBe(true);
    rig.core.commit();
    expect(dataOf(ofKind(rig, "checkpoint")[0]!)).toMatchObject({
      size: 3,
      counters: { reads: 7, lost: 0 },
      delivered: { central: 2 },
    });
    rig.core.append(drafts(1), {});
    rig.core.finish({});
    rig.core.finish({});
    expect(ofKind(rig, "checkpoint")).toHaveLength(2);
    rig.close();
  });

  it("draws a new key each day", () => {
    const rig = openRig();
    const { kid } = rig.core.stats();
    rig.advance(dayMs);
    rig.core.append(drafts(1), {});
    rig.core.commit();
    expect(rig.core.stats().kid).not.toBe(kid);
    expect(dataOf(ofKind(rig, "epoch")[1]!).reason).toBe("rotation");
    expect(rig.events.map((event) => event.sequence)).toEqual(rig.events.map((_, index) => index + 1));
    rig.close();
  });

  it("keeps what a broker settled across a restart, also when nothing else was written", () => {
    const first = openRig();
    first.core.append(drafts(5), {});
    first.core.commit();
    first.core.outbox.connect("central");
    expect(first.core.outbox.lease("central", 10)).toHaveLength(6);
    first.core.outbox.settle("central", [1, 2, 3, 5]);
    expect(first.core.due()).toBe(false);
    first.advance(100);
    expect(first.core.due()).toBe(true);
    first.core.commit();
    first.close();
    const second = openRig();
    second.core.outbox.connect("central");
    expect(second.core.outbox.lease("central", 10).map((event) => event.sequence)).toEqual([4, 6, 7]);
    second.close();
  });

  it("writes down at once what brokers acknowledged, also while events wait for room", () => {
    let isFull = false;
    const rig = openRig({ whenFull: "stop-reading" }, () => isFull);
    rig.core.append(drafts(20), {});
    rig.core.commit();
    const { outbox } = rig.core;
    outbox.connect("central");
    outbox.lease("central", 4);
    isFull = true;
    rig.core.append(drafts(1), {});
    rig.core.commit();
    expect(rig.core.due()).toBe(false);
    isFull = false;
    outbox.settle("central", [1, 2, 3]);
    expect(outbox.lease("central", 3)).toEqual([]);
    expect(rig.core.due()).toBe(true);
    rig.core.commit();
    expect(outbox.lease("central", 3)).toHaveLength(3);
    expect(ofKind(rig, "read")).toHaveLength(20);
    rig.close();
  });

  it("settles what a broker will never take with its reason, counted once and kept across a restart", () => {
    const first = openRig();
    first.core.append(drafts(5), {});
    first.core.commit();
    first.core.outbox.connect("central");
    first.core.outbox.lease("central", 10);
    const refused = [{ sequence: 3, reason: "0x99 no" }];
    first.core.outbox.settle("central", [1, 2, 3], refused);
    first.core.outbox.settle("central", [3], refused);
    const lastRefused = { sequence: 3, reason: "0x99 no", at: startMs };
    expect(first.core.stats().brokers).toMatchObject([{ queuedCount: 3, refusedCount: 1, lastRefused }]);
    first.advance(100);
    first.core.commit();
    first.close();
    const second = openRig();
    expect(second.core.stats().brokers).toMatchObject([{ refusedCount: 1, lastRefused }]);
    second.core.outbox.connect("central");
    expect(second.core.outbox.lease("central", 10).map((event) => event.sequence)).toEqual([4, 5, 6, 7]);
    second.close();
  });

  it("writes down with a commit what brokers acknowledged while it was sealed", () => {
    const rig = openRig();
    rig.core.outbox.connect("central");
    rig.core.append(drafts(3), {});
    rig.core.commit();
    rig.sealed = () => rig.core.outbox.settle("central", [1, 2]);
    rig.core.append(drafts(1), {});
    rig.core.commit();
    expect(rig.ledger.cursor("central")).toEqual([[1, 2]]);
    rig.close();
  });

  it("hands out nothing that is not committed", () => {
    const rig = openRig();
    rig.core.outbox.connect("central");
    rig.core.outbox.lease("central", 10);
    rig.core.append(drafts(3), {});
    expect(rig.core.outbox.lease("central", 10)).toEqual([]);
    rig.core.commit();
    expect(rig.core.outbox.lease("central", 10)).toHaveLength(3);
    rig.close();
  });
});

describe("a beat", () => {
  const log = (): string =>
    createHash("sha256")
      .update(readFileSync(join(dir, "ledger.db-wal")))
      .digest("hex");

  it("writes to the disk when nothing else was committed for so long, and else not", () => {
    const rig = openRig();
    const before = log();
    rig.advance(14_999);
    rig.core.beat(15_000);
    expect(log()).toBe(before);
    rig.advance(1);
    rig.core.beat(15_000);
    const after = log();
    expect(after).not.toBe(before);
    rig.core.beat(15_000);
    expect(log()).toBe(after);
    expect(rig.core.stats().last).toBe(1);
    rig.close();
    expect(openRig().core.stats().last).toBe(2);
  });

  it("fails when the disk fails, and not when it is full", () => {
    let disk = "sound";
    const rig = openRig({}, () => {
      if (disk === "broken") throw new Error("the disk failed");
      return disk === "full";
    });
    rig.advance(15_000);
    disk = "full";
    rig.core.beat(15_000);
    disk = "broken";
    expect(() => rig.core.beat(15_000)).toThrow("the disk failed");
    rig.close();
  });
});

describe("a replay", () => {
  it("hands a delivered range out again, the same bytes, behind what is new, and is over when all of it is settled", () => {
    const rig = openRig();
    rig.core.append(drafts(9), {});
    rig.core.commit();
    rig.core.outbox.connect("central");
    rig.core.outbox.settle("central", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(rig.core.replay("central", 3, 6)).toBe(4);
    rig.core.append(drafts(1), {});
    rig.core.commit();
    const again = rig.core.outbox.lease("central", 10);
    expect(again.map((event) => event.sequence)).toEqual([11, 3, 4, 5, 6]);
    for (const { sequence, bytes } of again) expect(bytes).toEqual(rig.events[sequence - 1]!.bytes);
    expect(rig.core.stats().brokers[0]).toMatchObject({ queuedCount: 5, replay: { from: 3, to: 6, leftCount: 4 } });
    rig.core.outbox.settle("central", [3, 4, 6, 11]);
    rig.close();
    // What is left of it survives a restart.
    const next = openRig();
    next.core.outbox.connect("central");
    expect(next.core.outbox.lease("central", 10).map((event) => event.sequence)).toContain(5);
    next.close();
  });

  it("of a range that is gone or turned round, or to a broker that is none, is refused", () => {
    const rig = openRig();
    const code = (broker: string, from: number, to: number): string => {
      try {
        return String(rig.core.replay(broker, from, to));
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    rig.core.append(drafts(5), {});
    rig.core.commit();
    expect(code("central", 2, 7)).toBe("usage/invalid");
    expect(code("central", 0, 3)).toBe("usage/invalid");
    expect(code("central", 4, 3)).toBe("usage/invalid");
    expect(code("nobody", 1, 3)).toBe("usage/unknown-name");
    expect(code("central", 1, 3)).toBe("0");
    rig.close();
  });
});

/** Appends until the ledger has refused or destroyed something. Gives what it said of itself meanwhile, each once. */
function fill(rig: Rig, { rounds, count, size } = { rounds: 160, count: 250, size: 1_000 }): unknown[] {
  const said = new Set<unknown>();
  for (let round = 0; round < rounds; round += 1) {
    rig.core.append(drafts(count, size), {});
    rig.core.commit();
    said.add(rig.core.stats().full);
    rig.advance(1_000);
  }
  return [...said];
}

interface Balance {
  readonly delivered: number;
  readonly queued: number;
  readonly lost: { readonly [reason: string]: number };
}

/** What became of the events of the chain; fails if it is not all of them. */
function balanceOf(rig: Rig): Balance {
  const { last, brokers } = rig.core.stats();
  const { deliveredCount, queuedCount, lostCount } = brokers[0]!;
  const lost = Object.values(lostCount).reduce((sum, count) => sum + count, 0);
  expect(deliveredCount + queuedCount + lost).toBe(last);
  return { delivered: deliveredCount, queued: queuedCount, lost: lostCount };
}

/** Few events for a small ledger: what finds no room is sealed again at each attempt, and that takes long. */
const fewLarge = { rounds: 20, count: 100, size: 10_000 };
const smallLedger = { bytesMax: 11_000_000 };

describe("a full ledger", () => {
  it("R20 R38 destroys delivered events first, with a signed purge record and no gap", () => {
    const rig = openRig();
    rig.core.outbox.connect("central");
    for (let round = 0; round < 30; round += 1) {
      rig.core.append(drafts(1_000, 1_000), {});
      rig.core.commit();
      const sequences = rig.core.outbox.lease("central", 5_000).map((event) => event.sequence);
      rig.core.outbox.settle("central", sequences);
    }
    expect(ofKind(rig, "purge").length).toBeGreaterThan(0);
    expect(ofKind(rig, "gap")).toEqual([]);
    expect(rig.core.stats()).toMatchObject({ lostCount: 0 });
    expect(rig.core.stats().lostAgoMs).toBeUndefined();
    const { from, to, count, reason } = dataOf(ofKind(rig, "purge")[0]!);
    expect([from, reason]).toEqual(["1", "space"]);
    expect(count).toBe(Number(to));
    rig.close();
  });

  it("with drop-oldest takes every new event and tells each one that nobody ever had", () => {
    const rig = openRig({ whenFull: "drop-oldest" });
    fill(rig);
    expect(rig.committedCount).toBe(40_000);
    const told = ofKind(rig, "gap").reduce((sum, event) => sum + (dataOf(event).count as number), 0);
    const { first, lostCount } = rig.core.stats();
    expect(told).toBe(first - 1);
    // Little more went than had to, and the key of what stays is told.
    const counts = ofKind(rig, "purge").map((event) => dataOf(event).count as number);
    expect(Math.max(...counts)).toBeLessThanOrEqual(4_000);
    expect(rig.ledger.keptEpoch()).toMatchObject({ kind: "epoch", sequence: 1 });
    expect(lostCount).toBe(told);
    const agoMs = rig.core.stats().lostAgoMs!;
    rig.advance(60_000);
    expect(rig.core.stats().lostAgoMs).toBe(agoMs + 60_000);
    expect(told).toBeGreaterThan(0);
    rig.core.outbox.connect("central");
    rig.core.outbox.settle("central", [first + 1, first + 2]);
    rig.core.flush();
    const balance = balanceOf(rig);
    expect(balance).toMatchObject({ delivered: 2, lost: { "queue-full": told } });
    rig.close();
    const next = openRig({ whenFull: "drop-oldest" });
    expect(next.core.stats().lostCount).toBe(told);
    expect(next.core.stats().lostAgoMs).toBeUndefined();
    expect(balanceOf(next)).toEqual({ ...balance, queued: balance.queued + 1 });
    next.core.append(drafts(1), {});
    next.core.finish({});
    const { counters, size } = dataOf(ofKind(next, "checkpoint")[0]!) as {
      counters: { brokers: { central: Balance } };
      size: number;
    };
    const { delivered, queued, lost } = counters.brokers.central;
    expect(delivered + queued + lost["queue-full"]!).toBe(size);
    next.close();
  });

  it("with drop-newest keeps the oldest, and tells how many did not come in once there is room", () => {
    const rig = openRig({ whenFull: "drop-newest" });
    fill(rig);
    expect(rig.core.stats().first).toBe(1);
    const inLedger = rig.core.stats().last;
    expect(inLedger).toBeLessThan(30_000);
    expect(rig.core.stats().lostAgoMs).toBeLessThan(60_000);
    rig.core.outbox.connect("central");
    rig.core.outbox.settle(
      "central",
      Array.from({ length: inLedger }, (_, index) => index + 1),
    );
    rig.core.append(drafts(1), {});
    rig.core.commit();
    const gap = dataOf(ofKind(rig, "gap")[0]!);
    expect(gap.reason).toBe("queue-full");
    expect(ofKind(rig, "read").length + (gap.count as number)).toBe(40_001);
    rig.close();
  });

  it("with stop-reading loses nothing: what waits is taken once there is room", () => {
    const rig = openRig({ whenFull: "stop-reading", ...smallLedger });
    fill(rig, fewLarge);
    const { last, first } = rig.core.stats();
    expect([first, last < 1_500]).toEqual([1, true]);
    rig.core.outbox.connect("central");
    for (let round = 0; round < 30; round += 1) {
      const sequences = rig.core.outbox.lease("central", 5_000).map((event) => event.sequence);
      rig.core.outbox.settle("central", sequences);
      rig.advance(1_000);
      rig.core.commit();
      while (rig.core.due()) rig.core.commit();
    }
    expect(ofKind(rig, "read")).toHaveLength(2_000);
    expect(ofKind(rig, "gap")).toEqual([]);
    rig.close();
  });
});

describe("what a full ledger says of itself", () => {
  it.each(["drop-oldest", "drop-newest", "stop-reading"] as const)(
    "R20 with %s is that bytes_max is reached, also after a cut",
    (whenFull) => {
      const rig = openRig({ whenFull, ...smallLedger });
      expect(fill(rig, fewLarge)).toEqual([undefined, "bytes_max"]);
      rig.close();
    },
  );
});

describe("a stop", () => {
  it("with stop-reading keeps what waits, beyond bytes_max, and tells by a gap what is more than that", () => {
    const first = openRig({ whenFull: "stop-reading", ...smallLedger });
    fill(first, fewLarge);
    const { last, brokers } = first.core.stats();
    expect([last < 1_500, brokers[0]!.queuedCount]).toEqual([true, last]);
    first.core.finish({});
    expect(first.core.stats()).toMatchObject({ first: 1, lostCount: 0 });
    expect([ofKind(first, "read").length, ofKind(first, "gap")]).toEqual([2_000, []]);
    first.close();
    const second = openRig({ whenFull: "stop-reading", ...smallLedger });
    second.core.append(drafts(6_000, 10_000), {});
    second.core.finish({});
    const [gap, ...more] = ofKind(second, "gap").map((event) => dataOf(event) as { reason: string; count: number });
    expect([gap?.reason, more]).toEqual(["queue-full", []]);
    expect(ofKind(second, "read").length + gap!.count).toBe(6_000);
    expect(second.core.stats()).toMatchObject({ first: 1, lostCount: gap!.count });
    second.close();
  });
});

describe("a stop on a slow disk", () => {
  it("takes as much as it can with each flush, and tells by a gap what it had no time for", () => {
    let flushMs = 0;
    const rig: Rig = openRig({ bytesMax: 100_000_000 }, () => {
      if (flushMs > 0) rig.advance(flushMs);
      return false;
    });
    flushMs = 1_000;
    rig.core.append(drafts(10_000, 1_000), {});
    rig.core.finish({});
    const [gap, ...more] = ofKind(rig, "gap").map((event) => dataOf(event) as { reason: string; count: number });
    expect([gap?.reason, more]).toEqual(["stopped", []]);
    const readCount = ofKind(rig, "read").length;
    expect(readCount).toBeGreaterThan(3 * limits.commitEventsMax);
    expect(readCount + gap!.count).toBe(10_000);
    expect(rig.core.stats().lostCount).toBe(gap!.count);
    expect(rig.notices.map(({ name }) => name)).toEqual(["ledger/warning"]);
    rig.close();
  });
});

describe("a full ledger that nobody empties", () => {
  it.each(["stop-reading", "drop-newest"] as const)(
    "with %s starts again, tells what it refused, and drains",
    (whenFull) => {
      const first = openRig({ whenFull, ...smallLedger });
      fill(first, fewLarge);
      // To the last page; and a checkpoint is due, which must not keep back what is to be told.
      fill(first, { rounds: 30, count: 20, size: 10 });
      first.advance(61_000);
      first.core.finish({});
      const refused = ofKind(first, "gap").reduce((sum, event) => sum + (dataOf(event).count as number), 0);
      expect(ofKind(first, "read").length + refused).toBe(2_600);
      expect(first.core.stats().lostCount).toBe(refused);
      expect(first.core.rotateKey().sequence).toBe(first.core.stats().last);
      first.close();
      const second = openRig({ whenFull, ...smallLedger });
      second.core.outbox.connect("central");
      expect(second.core.outbox.lease("central", 10)).toHaveLength(10);
      second.close();
    },
  );

  it("starts as often as it must, also when there is no room for an epoch, and drains; then the epoch begins", () => {
    const first = openRig({ whenFull: "drop-newest", ...smallLedger });
    fill(first, fewLarge);
    first.core.finish({});
    const lostBefore = first.core.stats().lostCount;
    expect(lostBefore).toBeGreaterThan(0);
    first.close();
    let rig = openRig({ whenFull: "drop-newest", ...smallLedger });
    let startCount = 1;
    for (; rig.core.stats().kid !== ""; startCount += 1) {
      expect(startCount).toBeLessThan(1_000);
      rig.close();
      rig = openRig({ whenFull: "drop-newest", ...smallLedger });
    }
    const { last } = rig.core.stats();
    // Without a key nothing is sealed, and nothing breaks: no beat, no stop of key ageing, no retention.
    rig.core.append(drafts(3), {});
    rig.advance(25 * 3_600_000);
    rig.core.commit();
    rig.core.beat(0);
    expect([rig.core.retain(), rig.core.hasRoom(), rig.core.stats().last]).toEqual([false, false, last]);
    rig.core.outbox.connect("central");
    for (let lease = rig.core.outbox.lease("central", 256); lease.length > 0; ) {
      rig.core.outbox.settle(
        "central",
        lease.map(({ sequence }) => sequence),
      );
      rig.advance(1_000);
      rig.core.commit();
      lease = rig.core.outbox.lease("central", 256);
    }
    const { kid, lostCount } = rig.core.stats();
    expect(kid).not.toBe("");
    expect(rig.core.hasRoom()).toBe(true);
    expect(rig.events.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["epoch", "read", "purge"]));
    expect(rig.events[0]!.kind).toBe("epoch");
    expect(ofKind(rig, "read")).toHaveLength(3);
    expect(lostCount).toBe(lostBefore);
    rig.close();
  });

  it("starts again after two days without a broker and without a parcel", () => {
    const first = openRig({ whenFull: "drop-newest", ...smallLedger });
    fill(first, fewLarge);
    for (let minute = 0; minute < 2 * 24 * 60; minute += 1, first.advance(60_000)) first.core.commit();
    first.close();
    const second = openRig({ whenFull: "drop-newest", ...smallLedger });
    second.core.outbox.connect("central");
    expect(second.core.outbox.lease("central", 10)).toHaveLength(10);
    second.close();
  });
});

describe("a disk on which nothing can be written", () => {
  it("loses at a stop what waited, and the log at least says so", () => {
    const before = openRig();
    before.close();
    const rig = openRig({}, () => true);
    rig.core.append(drafts(5), {});
    rig.core.finish({});
    rig.core.flush();
    expect(rig.notices.at(-1)).toMatchObject({ name: "ledger/full", level: "error", fields: { lost: 5 } });
    expect(rig.core.stats().lostCount).toBe(5);
    rig.close();
  });

  it("lets a ledger start and hand out what it has; what came meanwhile is sealed behind the epoch of the run", () => {
    const before = openRig();
    before.core.append(drafts(5), {});
    before.core.commit();
    before.close();
    let isDiskFull = true;
    const rig = openRig({}, () => isDiskFull);
    rig.core.outbox.connect("central");
    expect(rig.core.outbox.lease("central", 100)).toHaveLength(6);
    rig.core.append(drafts(5), {});
    rig.core.commit();
    rig.core.flush();
    expect([rig.events, rig.core.hasRoom()]).toEqual([[], false]);
    isDiskFull = false;
    rig.core.finish({});
    expect(rig.events.map(({ kind }) => kind)).toEqual(["epoch", ...Array(5).fill("read"), "checkpoint"]);
    rig.close();
  });

  it("costs nothing of what is in the ledger or waits: all is there when it can be written again", () => {
    let isDiskFull = false;
    const rig = openRig({ whenFull: "drop-oldest" }, () => isDiskFull);
    rig.core.append(drafts(100), {});
    rig.core.commit();
    isDiskFull = true;
    rig.core.append(drafts(50), {});
    for (let second = 0; second < 3; second += 1) {
      rig.core.commit();
      rig.advance(1_000);
    }
    expect(rig.core.stats()).toMatchObject({ first: 1, last: 101, lostCount: 0 });
    isDiskFull = false;
    rig.core.commit();
    expect(rig.core.stats()).toMatchObject({ first: 1, last: 151, lostCount: 0 });
    expect([ofKind(rig, "gap"), ofKind(rig, "purge")]).toEqual([[], []]);
    rig.close();
  });
});
