import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { assert } from "../lib/assert.ts";
import { SortgateError, systemCode } from "../model/error.ts";

/** "SGL1": says that a file is a sortgate ledger, whatever its name (SQLite file format §1.3.16). */
const applicationId = 0x53474c31;

/** Each brings a ledger from the version before to its own, from 0 on; none is ever changed once it was released. */
const migrations = [
  `
  CREATE TABLE event (
    sequence INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT,
    at INTEGER NOT NULL,
    bytes BLOB NOT NULL
  ) STRICT;
  CREATE TABLE chain (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    chain TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    previous TEXT NOT NULL,
    peaks BLOB NOT NULL,
    lost INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE cursor (
    broker TEXT PRIMARY KEY,
    settled TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
`,
  // What a broker will never take: the newest one by one, and how many there were in all.
  `
  CREATE TABLE refused (
    broker TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (broker, sequence)
  ) STRICT, WITHOUT ROWID;
  ALTER TABLE cursor ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;
`,
];

/** The schema's version in `user_version`; a ledger with a higher one belongs to a newer program. */
const schemaVersion = migrations.length;

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
  throw new SortgateError("ledger/corrupt", `${path} is not a sortgate ledger`, {
    hint: "move the file aside, or name another data_dir under [gateway]",
  });
}

function prepare(database: Database.Database, path: string): void {
  database.pragma("locking_mode = EXCLUSIVE");
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  database.pragma("wal_autocheckpoint = 1000");
  const version = database.pragma("user_version", { simple: true }) as number;
  if (version > schemaVersion)
    throw new SortgateError("ledger/newer", `The ledger ${path} was written by a newer sortgate`, {
      hint: "install that version again, or name another data_dir; the file was not touched",
      context: { version },
    });
  if (version < schemaVersion) {
    database.transaction(() => {
      for (const migration of migrations.slice(version)) database.exec(migration);
      database.pragma(`application_id = ${applicationId}`);
      database.pragma(`user_version = ${schemaVersion}`);
    })();
  }
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
    database = new Database(path, { timeout: 200 });
    prepare(database, path);
    return database;
  } catch (error) {
    database?.close();
    throw explainSqlite(error, path);
  }
}
