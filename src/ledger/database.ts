import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { assert } from "../lib/assert.ts";
import { SortgateError, systemCode } from "../model/error.ts";
import { takeLog } from "./disk/space.ts";
import { applicationId, migrate, schemaVersion } from "./migrations.ts";

/** Turns what SQLite or the file system says into a sentence and a next step. Never deletes or replaces a file. */
export function explainSqlite(error: unknown, path: string): SortgateError {
  if (error instanceof SortgateError) return error;
  const code = systemCode(error);
  const detail = { cause: error, context: { path, sqlite: code } };
  if (code.startsWith("SQLITE_BUSY") || code.startsWith("SQLITE_LOCKED"))
    return new SortgateError("ledger/in-use", `The ledger ${path} is open in another program`, {
      ...detail,
      hint: `stop the other daemon first; fuser ${path} shows which process it is`,
    });
  if (code.startsWith("SQLITE_CORRUPT") || code === "SQLITE_NOTADB")
    return new SortgateError("ledger/corrupt", `The ledger ${path} is damaged or is not a ledger`, {
      ...detail,
      hint: "move the file aside (never delete it), start again, and keep the old file for sortgate verify",
    });
  if (code === "SQLITE_FULL" || code === "ENOSPC" || code === "EDQUOT")
    return new SortgateError("ledger/full", `The ledger ${path} cannot be opened: the disk has no room left`, {
      ...detail,
      hint: `free space on the disk: df -h ${dirname(path)}`,
    });
  if (
    /^SQLITE_(CANTOPEN|READONLY|PERM)/.test(code) ||
    ["EACCES", "EROFS", "EPERM", "ENOTDIR", "EEXIST", "EISDIR"].includes(code)
  )
    return new SortgateError("ledger/unwritable", `The ledger ${path} cannot be written`, {
      ...detail,
      hint: `check that the file and its directory belong to the daemon's user: ls -ld ${dirname(path)} ${path}`,
    });
  return new SortgateError("ledger/io", `The ledger ${path} failed: ${code || "unknown error"}`, {
    ...detail,
    hint: "check the disk (df -h, dmesg); the daemon starts again by itself and goes on where it stopped",
  });
}

/** Looks at the header before SQLite does, so that a foreign file is refused untouched (SQLite file format §1.3). */
function refuseForeign(path: string): void {
  if (!existsSync(path)) return;
  const file = openSync(path, "r");
  try {
    const header = Buffer.alloc(72);
    if (fstatSync(file).size === 0) return;
    const byteCount = readSync(file, header, 0, 72, 0);
    const isLedger =
      byteCount === 72 &&
      header.subarray(0, 15).toString("latin1") === "SQLite format 3" &&
      [0, applicationId].includes(header.readUInt32BE(68));
    if (isLedger) return;
  } finally {
    closeSync(file);
  }
  throw notOurs(path);
}

/** A file with tables and without our mark is somebody else's, whatever its name. */
function refuseTables(database: Database.Database, path: string): void {
  const { count } = database.prepare("SELECT count(*) AS count FROM sqlite_master").get() as { count: number };
  if (count > 0) throw notOurs(path);
}

function notOurs(path: string): SortgateError {
  return new SortgateError("ledger/corrupt", `${path} is not a sortgate ledger`, {
    hint: "move the file aside, or name another data_dir under [gateway]",
  });
}

function prepare(database: Database.Database, path: string): void {
  database.pragma("locking_mode = EXCLUSIVE");
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  // The ledger folds the log itself: SQLite would keep an error of that to itself.
  database.pragma("wal_autocheckpoint = 0");
  // A temporary file would need room on the disk just when there is none.
  database.pragma("temp_store = MEMORY");
  const version = database.pragma("user_version", { simple: true }) as number;
  if (version > schemaVersion)
    throw new SortgateError("ledger/newer", `The ledger ${path} was written by a newer sortgate`, {
      hint: "install that version again, or name another data_dir; the file was not touched",
      context: { version },
    });
  if (version === 0) refuseTables(database, path);
  if (version < schemaVersion) migrate(database, version);
  assert(database.pragma("synchronous", { simple: true }) === 2, "SQLite runs with synchronous=FULL");
  assert(database.pragma("journal_mode", { simple: true }) === "wal", "SQLite runs with a write-ahead log");
}

/**
 * Opens the ledger's database and takes it for this process alone.
 *
 * Fails:   ledger/in-use, ledger/corrupt, ledger/unwritable, ledger/newer, ledger/io; the file is left as it was.
 */
export function openDatabase(path: string): Database.Database {
  let database: Database.Database | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    refuseForeign(path);
    takeLog(path);
    database = new Database(path, { timeout: 200 });
    prepare(database, path);
    return database;
  } catch (error) {
    database?.close();
    throw explainSqlite(error, path);
  }
}
