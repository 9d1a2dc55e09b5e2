import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { dataOf, dir, openRig } from "./core-rig.ts";
import { aRead, commit, filesWith, token, tokenOf, wipe } from "./erasing.ts";

it("R33 an erasure that is killed at any write is done or not done, part by part, and the chain tells what is erased and no more", () => {
  const first = openRig();
  const count = 600;
  commit(
    first,
    Array.from({ length: count }, (_, index) => aRead(`p-${index}`, { token: token("anna") })),
  );
  first.close();
  const original = join(dir, "original");
  mkdirSync(original);
  const inUse = (): string[] => readdirSync(dir).filter((name) => name.startsWith("ledger.db"));
  for (const name of inUse()) copyFileSync(join(dir, name), join(original, name));
  const script = join(import.meta.dirname, "erasing.scenario.mjs");
  const seen = new Set<number>();
  const path = join(dir, "ledger.db");
  // One write a page: those of the start come first, then three commits, then the log that is overwritten.
  for (const write of [1, 20, 60, 90, 120, 150, 180, 210, 240, 270, 300, 330, 360, 400, 500, 900]) {
    for (const name of inUse()) rmSync(join(dir, name));
    for (const name of readdirSync(original)) copyFileSync(join(original, name), join(dir, name));
    const traced = ["-f", "-o", "/dev/null", "-e", "trace=pwrite64", "-P", path, "-P", `${path}-wal`];
    const inject = ["-e", `inject=pwrite64:signal=KILL:when=${write}`];
    spawnSync("strace", [...traced, ...inject, process.execPath, script, dir, token("anna")]);
    const rig = openRig();
    expect([write, rig.ledger.moved]).toEqual([write, undefined]);
    const { last, liveCount, destroyedCount } = rig.core.stats();
    const rows = rig.ledger.readEach(1, last);
    const erased = rows.filter(({ kind }) => kind === "erased").map(({ sequence }) => String(sequence));
    const told = rows.filter(({ kind }) => kind === "purge").flatMap((row) => dataOf(row).sequences as string[]);
    expect([write, told]).toEqual([write, erased]);
    expect(liveCount + (destroyedCount.erased ?? 0)).toBe(last);
    seen.add(erased.length);
    // Asked again, it is done to its end.
    rig.core.erasing.begin([tokenOf("anna")], () => {});
    while (rig.core.erasing.step());
    wipe(rig);
    rig.close();
    expect([write, filesWith(token("anna"))]).toEqual([write, []]);
  }
  expect([...seen].every((erased) => erased % 128 === 0 || erased === count)).toBe(true);
  expect([seen.has(0), seen.has(count), seen.size > 3]).toEqual([true, true, true]);
}, 120_000);
