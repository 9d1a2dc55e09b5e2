import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import Database from "better-sqlite3";
import { SortgateError, systemCode } from "../../model/error.ts";
import { isMarkedOpen } from "../disk/space.ts";
import { applicationId, migrations, schemaVersion } from "../migrations.ts";
import { holdsEvent } from "./carve.ts";
import { hashAt, linkAt } from "./intact.ts";
import { hasLog, inspectLog } from "./log.ts";

/** How a file is before SQLite may write to it. "damaged" says in a few words what was found. */
export type Condition =
  | { readonly kind: "new" }
  | { readonly kind: "whole" }
  | { readonly kind: "damaged"; readonly what: string };

/** After an unclean end a file up to this size is read whole; a larger one is checked where it is read. */
const quickCheckBytesMax = 268_435_456;
/** Events at the end whose links are checked: at each start, and after an unclean end. */
const walkCount = 2_000;
const uncleanWalkCount = 20_000;
/** A version that is that far ahead is no version. */
const versionsAhead = 1_000;

const damaged = (what: string): Condition => ({ kind: "damaged", what });

/** The marker of an error of the storage: the next start reads the whole file. */
export const suspectOf = (path: string): string => `${path}.suspect`;

export function notOurs(path: string): SortgateError {
  return new SortgateError("ledger/corrupt", `${path} is not a sortgate ledger`, {
    hint: "move the file aside, or name another data_dir under [gateway]",
  });
}

/** The first page of a file, as far as it goes; undefined if there is no file, or nothing in it. */
function firstPageOf(path: string): Buffer | undefined {
  if (!existsSync(path)) return undefined;
  const file = openSync(path, "r");
  try {
    if (fstatSync(file).size === 0) return undefined;
    const page = Buffer.alloc(4_096);
    return page.subarray(0, readSync(file, page, 0, page.length, 0));
  } finally {
    closeSync(file);
  }
}

const spaced = (text: string): string => text.replace(/\s+/g, " ").trim();
/** How every ledger begins: SQLite keeps the words with which a table was made. */
const firstTable = spaced(migrations[0]!.sql.split(";")[0]!);

/** Whether a file is a ledger, whatever its header says; a text that tells of one is none. Cost: once over a file that is none. */
const holdsLedger = (path: string, firstPage: Buffer): boolean =>
  (firstPage.includes(0) && spaced(firstPage.toString("latin1")).includes(firstTable)) || holdsEvent(path);

/** Whether a ledger holds what only steps behind its version make: they would fail on it. */
function isLaterThan(version: number, database: Database.Database): boolean {
  const names = new Set(database.prepare("SELECT name FROM sqlite_master").pluck().all());
  const steps = migrations.filter((step) => step.version > version);
  return steps.some(({ sql }) =>
    [...sql.matchAll(/CREATE (?:TABLE|INDEX) (\w+)/g)].some(([, name]) => names.has(name)),
  );
}

/**
 * Looks at a ledger without changing a byte of it or of its log.
 *
 * Fails:   ledger/corrupt for what never was a ledger, ledger/newer, and what SQLite says of a file that is in use or
 *          cannot be read: such files are refused.
 * Cost:    milliseconds after a clean end, whatever the size; after another end it reads the file once, up to 256 MB.
 */
export function examine(path: string): Condition {
  const inFile = firstPageOf(path);
  // SQLite would take a log without its file for rubbish, and delete it.
  if (inFile === undefined) return hasLog(path) ? damaged("there is a write-ahead log without it") : { kind: "new" };
  if (inFile.length < 100) throw notOurs(path);
  const log = inspectLog(`${path}-wal`);
  const firstPage = log.firstPage ?? inFile;
  // Source: SQLite file format §1.3.
  const isDatabase = inFile.subarray(0, 16).toString("latin1") === "SQLite format 3\0";
  const mark = firstPage.readUInt32BE(68);
  // Before its first commit a ledger has no mark. One that is damaged is known by what it holds; a foreign file holds none of it.
  const isOurs = mark === applicationId || holdsLedger(path, firstPage);
  if (!isOurs && !(isDatabase && mark === 0)) throw notOurs(path);
  if (isMarkedOpen(path) && !existsSync(`${path}-wal`)) return damaged("its write-ahead log is gone");
  const version = firstPage.readUInt32BE(60);
  if (isDatabase && version > schemaVersion && version < schemaVersion + versionsAhead)
    throw new SortgateError("ledger/newer", `The ledger ${path} was written by a newer sortgate`, {
      hint: "install that version again, or name another data_dir; the file was not touched",
      context: { version },
    });
  const isSuspect = existsSync(suspectOf(path));
  const database = new Database(path, { readonly: true, fileMustExist: true, timeout: 200 });
  try {
    // Whoever uses the file is found before anything else is said about it.
    const { count } = database.prepare("SELECT count(*) AS count FROM sqlite_master").get() as { count: number };
    if (log.isDamaged) return damaged("its write-ahead log is broken in the middle");
    if (count === 0) return { kind: "new" };
    if (!isOurs) throw notOurs(path);
    if (mark !== applicationId || version === 0) return damaged("its header is not that of a ledger");
    if (isLaterThan(version, database)) return damaged("it is of a later version than its header says");
    return checkWithin(database, log.frameCount > 0, isSuspect);
  } catch (error) {
    const code = systemCode(error);
    // On a full disk there may be no room for the index of the log: then what is damaged is found where it is read.
    if (code.startsWith("SQLITE_IOERR_SHM")) return { kind: "whole" };
    if (code.startsWith("SQLITE_CORRUPT") || code === "SQLITE_NOTADB") return damaged(`SQLite calls it ${code}`);
    throw error;
  } finally {
    database.close();
  }
}

function checkWithin(database: Database.Database, isUnclean: boolean, isSuspect: boolean): Condition {
  const bytes = (database.pragma("page_count", { simple: true }) as number) * 4_096;
  const check = isSuspect ? "integrity_check(1)" : "quick_check(1)";
  if (isSuspect || (isUnclean && bytes <= quickCheckBytesMax)) {
    const found = database.pragma(check, { simple: true }) as string;
    if (found !== "ok") return damaged(found.split("\n")[0]!);
  }
  return checkLinks(database, isUnclean || isSuspect ? uncleanWalkCount : walkCount);
}

/** Each of the last events must be the one that the event behind it, or the chain, goes on from. */
function checkLinks(database: Database.Database, count: number): Condition {
  const chain = database.prepare("SELECT sequence, previous FROM chain").get() as
    | { sequence: number; previous: string }
    | undefined;
  const read = database.prepare(
    "SELECT sequence, kind, bytes FROM event WHERE sequence < ? ORDER BY sequence DESC LIMIT 500",
  );
  let link = chain?.previous;
  let sequence = chain?.sequence ?? 0;
  for (let left = count; left > 0; left -= 500) {
    const rows = read.all(left === count ? Number.MAX_SAFE_INTEGER : sequence + 1) as {
      sequence: number;
      kind: string;
      bytes: Buffer;
    }[];
    for (const row of rows) {
      if (row.sequence !== sequence) return damaged(`event ${sequence} is missing`);
      if (hashAt(row) !== link) return damaged(`event ${sequence} does not fit into the chain`);
      link = linkAt(row);
      // It is as it was sealed, and knows of none before it.
      if (link === undefined) return { kind: "whole" };
      sequence -= 1;
    }
    if (rows.length < 500) break;
  }
  return { kind: "whole" };
}
