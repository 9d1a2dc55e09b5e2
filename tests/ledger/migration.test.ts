import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
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
  database
    .prepare(
      "INSERT INTO chain (only, chain, sequence, previous, peaks, lost) VALUES (1, '6f1c2a9be04d', 50, ?, x'010203', 4)",
    )
    .run(previous);
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
    const kills = 36;
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

describe("R19 R38 what a ledger of an earlier version had destroyed", () => {
  const last = 3_000;

  /** Pages of the ledger in which a secret stands. */
  function pagesWithSecrets(): Set<number> {
    const bytes = readFileSync(path);
    const pages = new Set<number>();
    for (let at = bytes.indexOf("secret"); at !== -1; at = bytes.indexOf("secret", at + 1))
      pages.add(Math.floor(at / 4_096));
    return pages;
  }

  /** As earlier versions left it: its first rows are gone, and their bytes are not. */
  function destroyFrom(version: number): void {
    makeVersion(version);
    const database = new Database(path);
    database.pragma("secure_delete = OFF");
    const insert = database.prepare("INSERT INTO event VALUES (?, 'read', 'tunnel-1', 1000, ?)");
    database.transaction(() => {
      for (let sequence = 51; sequence <= 700; sequence += 1)
        insert.run(sequence, Buffer.from("secret ".repeat(sequence % 9 === 0 ? 1_300 : 100)));
      for (let sequence = 701; sequence <= last; sequence += 1) insert.run(sequence, Buffer.from(`event ${sequence}`));
    })();
    const previous = createHash("sha256").update(`event ${last}`).digest("base64url");
    database.prepare("UPDATE chain SET sequence = ?, previous = ?").run(last, previous);
    database.exec("DELETE FROM event WHERE sequence <= 700");
    database.close();
    expect(pagesWithSecrets().size).toBeGreaterThan(100);
  }

  it("is overwritten in its free pages before it is taken over, and stays so", () => {
    destroyFrom(6);
    const before = statSync(path).size;
    const ledger = openLedger(path, 64_000_000);
    // A page in use may hold it still between what is its own: the root, and the one where the destroyed events ended.
    const left = pagesWithSecrets();
    expect(left.size).toBeLessThanOrEqual(2);
    expect(ledger.extent()).toMatchObject({ first: 701, last });
    expect(statSync(path).size).toBeGreaterThanOrEqual(before);
    // What SQLite held of a free page is not written back with it.
    ledger.commit(aCommit([anEvent(last + 1, "y".repeat(2_000_000))], { destroyTo: last }));
    ledger.close();
    expect([...pagesWithSecrets()].filter((page) => !left.has(page))).toEqual([]);
    const database = new Database(path);
    expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
    database.close();
  });

  it("stays where the list of free pages cannot be believed: the next start moves the ledger aside", () => {
    destroyFrom(6);
    const bytes = readFileSync(path);
    // The list names a page that is in use.
    const [trunk, used] = [bytes.readUInt32BE(32), 2];
    bytes.writeUInt32BE(used, (trunk - 1) * 4_096 + 8);
    writeFileSync(path, bytes);
    expect(() => openLedger(path, 64_000_000)).toThrow(expect.objectContaining({ code: "ledger/corrupt" }));
    const inUse = [(used - 1) * 4_096, used * 4_096] as const;
    expect(readFileSync(path).subarray(...inUse)).toEqual(bytes.subarray(...inUse));
    const next = openLedger(path, 64_000_000);
    expect(next.moved).toBeDefined();
    next.close();
  });
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
