import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openLedger } from "../../src/ledger/index.ts";
import { applicationId, migrate, migrations, schemaVersion } from "../../src/ledger/migrations.ts";
import { figure } from "../figures.ts";
import { aCommit, anEvent } from "./a-commit.ts";

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sortgate-migration-"));
  path = join(dir, "ledger.db");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A ledger of an earlier version, with events in it. */
function makeVersion(version: number): void {
  const database = new Database(path);
  database.pragma("journal_mode = WAL");
  migrate(database, 0, migrations.slice(0, version));
  const insert = database.prepare("INSERT INTO event VALUES (?, 'read', 'tunnel-1', 1000, ?)");
  for (let sequence = 1; sequence <= 50; sequence += 1) insert.run(sequence, Buffer.from(`event ${sequence}`));
  const previous = createHash("sha256").update("event 50").digest("base64url");
  database.prepare("INSERT INTO chain VALUES (1, '6f1c2a9be04d', 50, ?, x'010203', 4)").run(previous);
  database.prepare("INSERT INTO cursor (broker, settled) VALUES ('central', '[[1,7]]')").run();
  database.close();
}

/** Tables and columns of a file, as SQLite tells them. */
function formOf(file: string): string {
  const database = new Database(file);
  const rows = database.prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").all();
  const version = database.pragma("user_version", { simple: true });
  database.close();
  return JSON.stringify([version, rows]);
}

describe("a migration", () => {
  it.each(migrations.slice(0, -1).map(({ version }) => version))(
    "takes a ledger of version %i over with its events and cursors, to the form of a new one",
    (version) => {
      makeVersion(version);
      const ledger = openLedger(path, 16_000_000);
      expect(ledger.extent()).toMatchObject({ first: 1, last: 50 });
      expect([ledger.cursor("central"), ledger.lostCount()]).toEqual([[[1, 7]], 4]);
      ledger.close();
      const fresh = join(dir, "fresh.db");
      openLedger(fresh, 16_000_000).close();
      const shape = (form: string): string => form.replace(/\s+/g, " ");
      expect(shape(formOf(path))).toBe(shape(formOf(fresh)));
    },
  );

  it("that is killed at any write leaves the old form whole, or the new one", () => {
    makeVersion(1);
    const original = join(dir, "original.db");
    copyFileSync(path, original);
    const old = formOf(path);
    const script = join(import.meta.dirname, "migration.scenario.mjs");
    const seen = new Set<string>();
    const kills = 24;
    for (let write = 1; write <= kills; write += 1) {
      for (const name of readdirSync(dir)) if (name.startsWith("ledger.db")) rmSync(join(dir, name));
      copyFileSync(original, path);
      const kill = ["-f", "-o", "/dev/null", "-e", "trace=pwrite64", "-P", path, "-P", `${path}-wal`];
      const inject = ["-e", `inject=pwrite64:signal=KILL:when=${write}`];
      spawnSync("strace", [...kill, ...inject, process.execPath, script, path]);
      // What SQLite recovers is what the next start finds.
      const form = formOf(path);
      seen.add(form === old ? "old" : "new");
      if (form !== old) expect(JSON.parse(form)[0]).toBe(schemaVersion);
      const ledger = openLedger(path, 16_000_000);
      expect([ledger.extent().last, ledger.cursor("central"), ledger.moved]).toEqual([50, [[1, 7]], undefined]);
      ledger.close();
    }
    expect(seen).toEqual(new Set(["old", "new"]));
    figure("G23", "migration", `killed at each of ${kills} writes: the old form whole or the new one, no event lost`);
  }, 120_000);
});

describe("a ledger of a newer program", () => {
  const bytesOf = (): Record<string, string> =>
    Object.fromEntries(readdirSync(dir).map((name) => [name, readFileSync(join(dir, name)).toString("base64")]));

  it.each(["in the file", "in the log"])(
    "is refused and stays as it is, byte for byte, when its version stands %s",
    (where) => {
      const ledger = openLedger(path, 16_000_000);
      ledger.commit(aCommit([anEvent(1)]));
      ledger.close();
      const newer = new Database(path);
      newer.pragma("wal_autocheckpoint = 0");
      newer.pragma(`user_version = ${schemaVersion + 1}`);
      const copy = join(dir, "copy");
      if (where === "in the log") for (const end of ["", "-wal"]) copyFileSync(`${path}${end}`, `${copy}${end}`);
      newer.close();
      if (where === "in the log") for (const end of ["", "-wal"]) copyFileSync(`${copy}${end}`, `${path}${end}`);
      rmSync(`${path}-shm`, { force: true });
      const before = bytesOf();
      expect(() => openLedger(path, 16_000_000)).toThrow(expect.objectContaining({ code: "ledger/newer" }));
      expect(bytesOf()).toEqual(before);
    },
  );
});

it("a database that only looks like a ledger is refused, not moved aside", () => {
  const database = new Database(path);
  database.exec("CREATE TABLE other (a)");
  database.pragma("user_version = 3");
  database.close();
  const before = readFileSync(path);
  expect(() => openLedger(path, 16_000_000)).toThrow(expect.objectContaining({ code: "ledger/corrupt" }));
  expect(readFileSync(path).equals(before)).toBe(true);
  expect(readdirSync(dir).filter((name) => name.includes("damaged"))).toEqual([]);
  expect(applicationId.toString(16)).toBe("53474c31");
});
