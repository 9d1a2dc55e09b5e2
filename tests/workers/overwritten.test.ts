import { hash } from "node:crypto";
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { dayMs, dir, drafts, openRig, type Rig } from "./core-rig.ts";
import { aRead, commit, deliver, erase, filesWith, token, tokenOf, told, wipe } from "./erasing.ts";

/** A ledger whose secret stands among other events, in a page and in a chain of pages of its own. */
function plant(rig: Rig): void {
  for (let part = 0; part < 20; part += 1)
    commit(rig, [
      ...drafts(50),
      aRead(`p-${part}`, { code: `secret-${part}-of-anna` }),
      aRead(`q-${part}`, { code: "x", sealed: { text: `${"s".repeat(9_000)}secret-${part}-of-anna` } }),
    ]);
}

/** What stands at each place of a ledger, in short. */
const placesOf = (rig: Rig, last: number): string[] =>
  rig.ledger.readEach(1, last).map(({ sequence, kind, bytes }) => `${sequence} ${kind} ${hash("sha256", bytes)}`);

const logSize = (): number => statSync(join(dir, "ledger.db-wal")).size;

describe("R19 R38 what is purged", () => {
  it("stands in no file any more once the log is overwritten, neither while running nor after a clean end", () => {
    const rig = openRig({ retainMs: dayMs });
    rig.core.clockIs("synchronized");
    rig.core.outbox.connect("central");
    plant(rig);
    rig.core.rotateKey();
    deliver(rig);
    rig.advance(3 * dayMs);
    expect(filesWith("of-anna")).toContain("ledger.db-wal");
    const size = logSize();
    while (rig.core.retain());
    expect(told(rig, "purge")).toMatchObject([{ reason: "retention" }]);
    wipe(rig);
    expect(filesWith("of-anna")).toEqual([]);
    expect(logSize()).toBe(size);
    commit(rig, drafts(5));
    rig.close();
    expect(filesWith("of-anna")).toEqual([]);
  });

  it("is overwritten by a clean end that comes before its turn", () => {
    const rig = openRig({ retainMs: dayMs });
    rig.core.clockIs("synchronized");
    rig.core.outbox.connect("central");
    plant(rig);
    rig.core.rotateKey();
    deliver(rig);
    rig.advance(3 * dayMs);
    while (rig.core.retain());
    rig.close();
    expect(existsSync(join(dir, "ledger.db-reserve"))).toBe(true);
    expect(filesWith("of-anna")).toEqual([]);
    const next = openRig();
    expect([next.ledger.moved, next.core.stats().last]).toEqual([undefined, expect.any(Number)]);
    next.close();
  });

  it("for want of room, too: the ring keeps nothing of what it let go", () => {
    const rig = openRig({ bytesMax: 9_000_000 });
    rig.core.outbox.connect("central");
    plant(rig);
    for (let part = 0; part < 60; part += 1) {
      commit(rig, drafts(60, 2_000));
      deliver(rig);
    }
    expect(told(rig, "purge").length).toBeGreaterThan(0);
    wipe(rig);
    expect(filesWith("of-anna")).toEqual([]);
    rig.close();
  });
});

describe("the log that is overwritten", () => {
  let copy: string;
  beforeEach(() => {
    copy = mkdtempSync(join(tmpdir(), "sortgate-copy-"));
  });
  afterEach(() => rmSync(copy, { recursive: true, force: true }));

  /** What a kill leaves: the files as they lie there. */
  const kill = (): void => {
    for (const name of readdirSync(dir)) copyFileSync(join(dir, name), join(copy, name));
  };
  const restore = (): void => {
    for (const name of readdirSync(dir)) rmSync(join(dir, name));
    for (const name of readdirSync(copy)) copyFileSync(join(copy, name), join(dir, name));
  };

  it("holds all that is committed at each moment, whenever the process is killed", () => {
    for (const killAt of [0, 1, 2, 4, 7]) {
      const rig = openRig();
      plant(rig);
      const erased = commit(rig, [aRead("p-anna", { token: token("anna") })]);
      rig.core.erasing.begin([tokenOf("anna")], () => {});
      while (told(rig, "purge").length === 0) rig.core.erasing.step();
      // The parts of the overwriting, with commits between them.
      for (let part = 0; part < killAt; part += 1) {
        rig.core.erasing.step();
        commit(rig, drafts(3));
      }
      kill();
      const { last } = rig.core.stats();
      const before = placesOf(rig, last);
      rig.close();
      restore();
      const next = openRig();
      expect(next.ledger.moved).toBeUndefined();
      expect(placesOf(next, last)).toEqual(before);
      expect(next.ledger.readEach(erased[0]!, erased[0]!)).toMatchObject([{ kind: "erased" }]);
      // What the kill left in the log is overwritten by the next run.
      wipe(next);
      expect(filesWith(token("anna"))).toEqual([]);
      next.close();
      for (const name of readdirSync(dir)) rmSync(join(dir, name));
    }
  });

  it("is not touched where nothing was destroyed since it was overwritten last", () => {
    const rig = openRig();
    wipe(rig);
    plant(rig);
    wipe(rig);
    expect(filesWith("of-anna")).toContain("ledger.db-wal");
    expect(erase(rig, { kind: "code", value: "secret-1-of-anna" })).toMatchObject({ count: 1, isOverwritten: true });
    expect(filesWith('"secret-1-of-anna')).toEqual([]);
    expect(filesWith("secret-2-of-anna")).toEqual(["ledger.db"]);
    rig.close();
  });
});
