import { accessSync, constants, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { assert } from "../lib/assert.ts";
import { makeFolder } from "../lib/folder.ts";
import { SortgateError, systemCode } from "../model/error.ts";
import { examine, suspectOf } from "./damage/examine.ts";
import { finishQuarantine, quarantine } from "./damage/quarantine.ts";
import { overwriteFreePages } from "./disk/free-pages.ts";
import { requireFiles, restoreLog, takeLog } from "./disk/space.ts";
import { migrate, schemaVersion } from "./migrations.ts";

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
      hint: "start again: the next start looks at the whole file, moves it aside if it must, and saves what it holds",
    });
  if (code === "SQLITE_FULL" || code === "ENOSPC" || code === "EDQUOT")
    return new SortgateError("ledger/full", `The ledger ${path} cannot be opened: the disk has no room left`, {
      ...detail,
      hint: `free space on the disk: df -h ${dirname(path)}`,
    });
  if (
    /^SQLITE_(CANTOPEN|READONLY|PERM)/.test(code) ||
    ["EACCES", "EROFS", "EPERM", "ENOTDIR", "EEXIST", "EISDIR", "ELOOP"].includes(code)
  )
    return new SortgateError("ledger/unwritable", `The ledger ${path} cannot be written`, {
      ...detail,
      hint:
        code === "EROFS"
          ? `that disk is mounted read-only: findmnt -T ${dirname(path)}; dmesg says why`
          : `check that the file and its directory belong to the daemon's user: ls -ld ${dirname(path)} ${path}`,
    });
  return new SortgateError("ledger/io", `The ledger ${path} failed: ${code || "unknown error"}`, {
    ...detail,
    hint: "check the disk (df -h, dmesg); the daemon starts again by itself and goes on where it stopped",
  });
}

/** In ledgers of earlier versions stands what was destroyed. */
const overwritingSince = 7;

function prepare(database: Database.Database, path: string): void {
  database.pragma("locking_mode = EXCLUSIVE");
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  // The ledger folds the log itself: SQLite would keep an error of that to itself.
  database.pragma("wal_autocheckpoint = 0");
  // A temporary file would need room on the disk just when there is none.
  database.pragma("temp_store = MEMORY");
  // What is destroyed is overwritten in its page, and so is a page that becomes free.
  database.pragma("secure_delete = ON");
  const version = database.pragma("user_version", { simple: true }) as number;
  if (version > 0 && version < overwritingSince) overwriteFreePages(database, path);
  if (version < schemaVersion) migrate(database, version);
  assert(database.pragma("synchronous", { simple: true }) === 2, "SQLite runs with synchronous=FULL");
  assert(database.pragma("secure_delete", { simple: true }) === 1, "SQLite overwrites what is destroyed");
  assert(database.pragma("journal_mode", { simple: true }) === "wal", "SQLite runs with a write-ahead log");
}

/** SQLite opens a file that may only be read, and then fails at its first lock as a broken disk does. */
function assertWritable(path: string): void {
  for (const file of [path, `${path}-wal`])
    if (statSync(file, { throwIfNoEntry: false })?.isFile()) accessSync(file, constants.R_OK | constants.W_OK);
}

/**
 * Opens the ledger's database and takes it for this process alone. A damaged one is moved aside first.
 *
 * Gives:   where the damaged one went and what was found, if there was one.
 * Fails:   ledger/in-use, ledger/corrupt, ledger/unwritable, ledger/newer, ledger/full, ledger/io; the file is left as it was.
 */
export function openDatabase(path: string): { readonly database: Database.Database; readonly moved?: Moved } {
  let database: Database.Database | undefined;
  try {
    makeFolder(dirname(path), 0o700);
    requireFiles(path);
    assertWritable(path);
    finishQuarantine(path);
    restoreLog(path);
    const condition = examine(path);
    const moved = condition.kind === "damaged" ? { file: quarantine(path), what: condition.what } : undefined;
    takeLog(path);
    database = new Database(path, { timeout: 200 });
    prepare(database, path);
    // It is whole: what an earlier error of the storage left is settled.
    rmSync(suspectOf(path), { force: true });
    return { database, ...(moved === undefined ? {} : { moved }) };
  } catch (error) {
    database?.close();
    const explained = explainSqlite(error, path);
    // It looked whole, and is not: the next start looks at all of it, and moves it aside.
    if (explained.code === "ledger/corrupt" && database !== undefined) writeFileSync(suspectOf(path), "");
    throw explained;
  }
}

/** A damaged ledger that was moved aside. */
export interface Moved {
  readonly file: string;
  readonly what: string;
}
