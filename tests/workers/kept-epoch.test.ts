import { renameSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import type { Ledger } from "../../src/ledger/index.ts";
import { type ChainVerdict, createVerifier } from "../../src/seal/index.ts";
import { createSoundReader } from "../../src/workers/sound.ts";
import { dataOf, dir, drafts, ofKind, openRig, type Rig } from "./core-rig.ts";

/** The ledger has room for some hundred events of a kilobyte, as on a disk that others filled: fewer than an epoch has. */
const tiny = { bytesMax: 9_000_000 } as const;
const roundCount = 60;

/** What whoever verifies an export finds; the rig's endorsement is none. */
function verified({ ledger }: Rig): Pick<ChainVerdict, "purged"> & { readonly findings: unknown[] } {
  const verifier = createVerifier();
  for (const [index, { bytes }] of ledger.read(1, 1e9, 1e9).entries())
    verifier.push(Buffer.from(bytes).toString(), index + 1);
  const { findings, purged } = verifier.finish().chains[0]!;
  return { findings: findings.filter(({ kind }) => kind !== "endorsement"), ...(purged && { purged }) };
}

/** A broker takes up to `taken` events each second, in which a hundred come in. */
function pass(rig: Rig, taken: number, rounds = roundCount): void {
  const { outbox } = rig.core;
  if (taken > 0) outbox.connect("central");
  for (let round = 0; round < rounds; round += 1) {
    rig.core.append(drafts(100, 1_000), {});
    rig.core.commit();
    const events = taken > 0 ? outbox.lease("central", taken) : [];
    outbox.settle(
      "central",
      events.map(({ sequence }) => sequence),
    );
    rig.advance(1_000);
    rig.core.commit();
    if (round % 10 === 0) expect(verified(rig).findings).toEqual([]);
  }
}

const isCut = ({ ledger }: Rig): boolean => ledger.keptEpoch() !== undefined;

describe("a full ledger that holds less than an epoch", () => {
  const policies = ["drop-oldest", "drop-newest", "stop-reading"] as const;
  const brokers = [
    ["takes all", 1_000],
    ["lags", 60],
  ] as const;
  const cases = policies.flatMap((policy) => brokers.map(([does, taken]) => [policy, does, taken] as const));

  it.each([...cases, ["drop-oldest", "is away", 0] as const])(
    "can be verified by itself, with %s and a broker that %s, and accounts for every event",
    (whenFull, _, taken) => {
      const rig = openRig({ whenFull, ...tiny });
      pass(rig, taken);
      expect(verified(rig)).toEqual({ findings: [], purged: expect.anything() });
      const { first, last, liveCount, destroyedCount } = rig.core.stats();
      expect([liveCount, destroyedCount]).toEqual([last - first + 1, { space: first - 1 }]);
      const purges = ofKind(rig, "purge").map((event) => dataOf(event).count as number);
      expect(purges.reduce((sum, count) => sum + count, 0)).toBe(first - 1);
      expect(first).toBeGreaterThan(500);
      rig.close();
    },
  );

  it("can be so after a start, and once what is kept is of a later run", () => {
    const before = openRig(tiny);
    pass(before, 1_000);
    expect(isCut(before)).toBe(true);
    before.close();
    const rig = openRig(tiny);
    expect(verified(rig)).toMatchObject({ findings: [], purged: {} });
    pass(rig, 1_000);
    const { first } = rig.core.stats();
    const begun = ofKind(rig, "epoch").findLast(({ sequence }) => sequence <= first)!.sequence;
    expect(begun).toBeLessThan(first);
    expect(rig.ledger.keptEpoch()?.sequence).toBe(begun);
    rig.close();
  });

  it("shows that what is kept was altered on the disk", () => {
    const before = openRig(tiny);
    pass(before, 1_000, 20);
    before.close();
    const database = new Database(join(dir, "ledger.db"));
    const bytes = database.prepare("SELECT bytes FROM kept_epoch WHERE sequence = 1").pluck().get() as Buffer;
    const altered = Buffer.from(bytes.toString("latin1").replace("xxxx", "xxxy"), "latin1");
    database.prepare("UPDATE kept_epoch SET bytes = ?").run(altered);
    database.close();
    const rig = openRig(tiny);
    expect(verified(rig).findings).toMatchObject([
      { kind: "altered", sequence: 1 },
      { kind: "missing", from: 2 },
    ]);
    rig.close();
  });
});

describe("an event whose epoch event is the kept one, and whose neighbour is damaged", () => {
  it("reaches the broker", () => {
    const rig = openRig({ whenFull: "drop-newest", ...tiny });
    pass(rig, 60, 20);
    expect(isCut(rig)).toBe(true);
    const { first } = rig.core.stats();
    const damaged = first + 5;
    const readEach: Ledger["readEach"] = (from, to) =>
      rig.ledger.readEach(from, to).filter(({ sequence }) => sequence !== damaged);
    const sound = createSoundReader({ ...rig.ledger, readEach })([first, first + 9]);
    expect(sound.damaged).toEqual([[damaged, damaged]]);
    rig.close();
  });

  it("is saved from a damaged ledger", () => {
    const before = openRig({ whenFull: "drop-newest", ...tiny });
    pass(before, 60, 20);
    expect(isCut(before)).toBe(true);
    const { last } = before.core.stats();
    before.close();
    const file = join(dir, "ledger.db.damaged-20261123T031011Z");
    renameSync(join(dir, "ledger.db"), file);
    const database = new Database(file);
    database.prepare("UPDATE event SET bytes = x'00' WHERE sequence = ?").run(last - 5);
    database.close();
    const rig = openRig();
    rig.core.salvage({ file, reached: 0 }, "moved aside", Number.POSITIVE_INFINITY);
    expect(dataOf(ofKind(rig, "alarm")[0]!)).toMatchObject({ unreadable: 1 });
    rig.close();
  });
});
