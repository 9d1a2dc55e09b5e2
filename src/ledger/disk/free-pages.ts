import { closeSync, fsyncSync, openSync, readSync, writeSync } from "node:fs";
import type Database from "better-sqlite3";
import { SortgateError } from "../../model/error.ts";

/** A start reads no larger file as a whole. */
const fileBytesMax = 268_435_456;

/** A page of the list: the next one, how many it names, and those; the rest means nothing (SQLite file format §1.5). */
interface Trunk {
  readonly next: number;
  readonly leaves: readonly number[];
  readonly usedBytes: number;
}

function trunkIn(page: Buffer): Trunk {
  const count = page.readUInt32BE(4);
  const leaves = Array.from({ length: count }, (_, index) => page.readUInt32BE(8 + 4 * index));
  return { next: page.readUInt32BE(0), leaves, usedBytes: 8 + 4 * count };
}

/** The list was found whole before; nothing else may have the file open. Cost: one write a free page, and a sync. */
function overwriteList(path: string, pageBytes: number): void {
  const file = openSync(path, "r+");
  const zeros = Buffer.alloc(pageBytes);
  const page = Buffer.alloc(pageBytes);
  const read = (number: number): Buffer => {
    readSync(file, page, 0, pageBytes, (number - 1) * pageBytes);
    return page;
  };
  try {
    for (let number = read(1).readUInt32BE(32); number !== 0; ) {
      const { next, leaves, usedBytes } = trunkIn(read(number));
      for (const leaf of leaves) writeSync(file, zeros, 0, pageBytes, (leaf - 1) * pageBytes);
      writeSync(file, zeros, usedBytes, pageBytes - usedBytes, (number - 1) * pageBytes + usedBytes);
      number = next;
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/**
 * Overwrites what was destroyed while nothing was overwritten yet: it stands in pages that are free.
 *
 * SQLite reads nothing of such pages, so they are written past it, without the log and without room. A crash in the middle
 * leaves the same list; whoever calls this again goes on.
 * Takes:   a database that this process alone has open, with no transaction.
 * Fails:   ledger/corrupt where the list may name pages that are not free.
 * Cost:    reads the file once, and writes each free page. A file of more than 256 MB would hold the start up: its free
 *          pages are left, as are those of one whose log cannot be folded now. Events that take them overwrite them.
 */
export function overwriteFreePages(database: Database.Database, path: string): void {
  const asked = (pragma: string): unknown => database.pragma(pragma, { simple: true });
  const pageBytes = asked("page_size") as number;
  if (asked("freelist_count") === 0 || (asked("page_count") as number) * pageBytes > fileBytesMax) return;
  const [{ log, checkpointed }] = database.pragma("wal_checkpoint(PASSIVE)") as [{ log: number; checkpointed: number }];
  // Then the file is not what the database is.
  if (log !== checkpointed) return;
  if (asked("quick_check(1)") !== "ok")
    throw new SortgateError("ledger/corrupt", `The ledger ${path} is damaged`, {
      hint: "start again: the next start looks at the whole file, moves it aside, and saves what it holds",
    });
  // What it holds in memory of a page would be written back with it.
  database.pragma("shrink_memory");
  overwriteList(path, pageBytes);
}
