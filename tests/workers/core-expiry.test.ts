import { describe, expect, it } from "vitest";
import type { Json } from "../../src/model/event.ts";
import { dayMs, openRig, type Rig, startMs } from "./core-rig.ts";
import { aRead, commit, deliver, erase, filesWith, token, tokenOf, told, wipe } from "./erasing.ts";

/** One event of each form in which core data may stand, and what is none, by what each holds. */
const forms: readonly Record<string, Json>[] = [
  { code: "SF1385628716739", masked: [{ kind: "name", text: "张••" }] },
  { code: "SF1385628716740", tokens: [{ kind: "phone", token: token("anna") }] },
  { code: "SF1385628716741", sealed: { key: "k", text: "secret-of-anna" } },
  { codeClass: "unknown", length: 11, token: token("anna") },
  { code: "SF1385628716742", codeClass: "waybill" },
  { codeClass: "waybill", length: 15, token: token("parcel") },
];
const coreCount = 4;
const aPass = (pass: string, data: Record<string, Json>, at: number) => ({ ...aRead(pass, data), at });

function expire(rig: Rig): void {
  rig.core.erasing.expire();
  while (rig.core.erasing.step());
}

function aRig(over: Parameters<typeof openRig>[0] = {}): Rig {
  const rig = openRig({ retainMs: 30 * dayMs, retainCoreMs: dayMs, ...over });
  rig.core.clockIs("synchronized");
  rig.core.outbox.connect("central");
  return rig;
}

describe("R19 core data of delivered events", () => {
  it("are erased after their own time in every form, told one by one by a purge event; all else stays", () => {
    const rig = aRig();
    const sequences = commit(
      rig,
      forms.map((data, index) => aRead(`p-${index}`, data)),
    );
    deliver(rig);
    rig.advance(dayMs - 1_000);
    expire(rig);
    expect(told(rig, "purge")).toEqual([]);
    rig.advance(dayMs);
    expire(rig);
    const gone = sequences.slice(0, coreCount).map(String);
    expect(told(rig, "purge")).toEqual([{ count: coreCount, reason: "core-expired", sequences: gone }]);
    const kinds = rig.ledger.readEach(sequences[0]!, sequences.at(-1)!).map(({ kind }) => kind);
    expect(kinds).toEqual(["erased", "erased", "erased", "erased", "read", "read"]);
    wipe(rig);
    expect([filesWith(token("anna")), filesWith("secret-of-anna"), filesWith("张••")]).toEqual([[], [], []]);
    rig.close();
  });

  it("stay while a broker lacks them, and go in parts once it has them; what was gone through is not read again", () => {
    const rig = aRig({ bytesMax: 60_000_000 });
    const reads = Array.from({ length: 1_200 }, (_, index) => aRead(`p-${index}`, forms[1]!));
    commit(rig, reads);
    // It is noted how far the ledger reaches: from here on these grow old.
    rig.advance(3_600_000);
    expire(rig);
    rig.advance(3 * dayMs);
    expire(rig);
    expect(told(rig, "purge")).toEqual([]);
    deliver(rig);
    const read: number[] = [];
    const { readEach } = rig.ledger;
    Object.assign(rig.ledger, {
      readEach(from: number, to: number) {
        read.push(from);
        return readEach(from, to);
      },
    });
    expire(rig);
    const purges = told(rig, "purge") as { count: number; sequences: string[] }[];
    expect(purges.reduce((sum, { count }) => sum + count, 0)).toBe(1_200);
    expect(purges.length).toBeGreaterThan(2);
    const looked = read.length;
    commit(rig, [aRead("p-new", forms[1]!)]);
    deliver(rig);
    read.length = 0;
    expire(rig);
    expect(looked).toBeGreaterThan(2);
    expect(Math.min(...read)).toBeGreaterThan(Number(purges.at(-1)!.sequences.at(-1)));
    rig.close();
  });

  it("stay while the clock is not known to be right, and where they may stay as long as all others", () => {
    const unsure = aRig();
    unsure.core.clockIs("unsynchronized");
    commit(unsure, [aRead("p-1", forms[1]!)]);
    deliver(unsure);
    unsure.advance(5 * dayMs);
    expire(unsure);
    expect(told(unsure, "purge")).toEqual([]);
    unsure.core.clockIs("synchronized");
    expire(unsure);
    unsure.close();
    const all = aRig({ retainCoreMs: undefined });
    commit(all, [aRead("p-2", forms[1]!)]);
    deliver(all);
    all.advance(5 * dayMs);
    expire(all);
    expect(told(all, "purge")).toEqual([]);
    all.close();
  });

  it("of an earlier run go by their own times, and the first young one ends the search", () => {
    const first = aRig();
    const sequences = commit(first, [
      aPass("p-1", forms[1]!, startMs),
      aPass("p-2", forms[1]!, startMs + 2 * dayMs),
      aPass("p-3", forms[1]!, startMs),
    ]);
    deliver(first);
    first.close();
    const rig = aRig();
    rig.advance(dayMs + 60_000);
    expire(rig);
    expect(told(rig, "purge")).toMatchObject([{ sequences: [String(sequences[0])], count: 1 }]);
    rig.close();
  });
});

type Counts = { readonly [reason: string]: number };

/** What `purge` events say was destroyed, by reason: those of this run on top of those before it. */
function withPurges(before: Counts, rig: Rig): Counts {
  const sums: Record<string, number> = { ...before };
  for (const { reason, count } of told(rig, "purge"))
    sums[reason as string] = (sums[reason as string] ?? 0) + (count as number);
  return sums;
}

describe("R20 the account of all events of a chain", () => {
  it("R20 is made = live + destroyed by reason, as purge events tell it, also after erasures, retention, want of room and restarts", () => {
    const options = { retainMs: 2 * dayMs, retainCoreMs: dayMs, bytesMax: 9_000_000, whenFull: "drop-oldest" } as const;
    /** What the chain's own records say, of the runs before. */
    let toldBefore: Counts = {};
    let day = 0;
    for (let run = 0; run < 4; run += 1) {
      const rig = openRig(options, undefined, day * dayMs);
      rig.core.clockIs("synchronized");
      rig.core.outbox.connect("central");
      const check = (): void => {
        const { first, last, liveCount, destroyedCount } = rig.core.stats();
        const live = rig.ledger.readEach(first, last).filter(({ kind }) => kind !== "erased").length;
        const destroyed = Object.values(destroyedCount).reduce((sum, count) => sum + count, 0);
        expect([liveCount, liveCount + destroyed]).toEqual([live, last]);
        expect(withPurges(toldBefore, rig)).toEqual(destroyedCount);
      };
      for (let round = 0; round < 4; round += 1, day += 1) {
        const at = startMs + day * dayMs;
        commit(rig, [
          ...forms.map((data, index) => aPass(`p-${run}-${round}-${index}`, data, at)),
          aPass(`q-${run}-${round}`, { code: "SF1385628716799", filling: "x".repeat(30_000) }, at),
        ]);
        // On the third run nothing is delivered, and the ledger fills.
        if (run !== 2) deliver(rig);
        if (run === 2)
          for (let part = 0; part < 40; part += 1)
            commit(rig, [aPass(`f-${round}-${part}`, { code: "SF1385628716799", filling: "x".repeat(30_000) }, at)]);
        check();
        if (round % 2 === 1) erase(rig, tokenOf("parcel"));
        check();
        rig.advance(dayMs);
        rig.core.rotateKey();
        expire(rig);
        while (rig.core.retain());
        check();
      }
      toldBefore = withPurges(toldBefore, rig);
      rig.close();
    }
    expect(Object.keys(toldBefore).sort()).toEqual(["core-expired", "erased", "retention", "space"]);
  });
});
