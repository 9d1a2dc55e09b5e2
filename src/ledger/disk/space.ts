/**
 * Room on the disk that the ledger holds before it needs it.
 *
 * 1. A page is put into the write-ahead log only if the file already holds its place on the disk: folding the log into
 *    the file needs no more room, so the log can be begun anew, and what is delivered can be written down and destroyed.
 * 2. The log itself has its full size from the start and keeps it, also while the daemon is stopped.
 *
 * 3. The room is on the disk before SQLite sees it: a commit may name the file's size, and a power cut that takes the
 *    room away again would leave a log that belongs to a longer file, which SQLite calls malformed.
 *
 * SQLite cuts the file off behind its last page whenever it has folded the whole log; the room is taken again at once.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { SortgateError, systemCode } from "../../model/error.ts";

const zeroBytes = 262_144;
/** One part of the index covers 4,062 frames; the log holds fewer. */
const indexBytes = 65_536;
const zeros = Buffer.alloc(zeroBytes);

/** Writes zeros from the end of a file up to `size`, as far as the disk has room. */
function extend(file: number, size: number): void {
  try {
    for (let at = fstatSync(file).size; at < size; )
      at += writeSync(file, zeros, 0, Math.min(zeroBytes, size - at), at);
    fsyncSync(file);
  } catch (error) {
    // Nothing depends on the room: who needs it looks at what there is.
    if (!["ENOSPC", "EDQUOT"].includes(systemCode(error))) throw error;
  }
}

export interface Space {
  /** Tries to hold room for `pageCount` pages in all, if there is none for `least`. Gives for how many there is. */
  hold(least: number, pageCount: number): number;
  close(): void;
}

/**
 * Holds room for the pages of the file at `path`.
 *
 * The descriptor must outlive the database: closing any descriptor of a file drops the locks that the process has on it.
 */
export function openSpace(path: string, pageBytes: number): Space {
  const file = openSync(path, "r+");
  return {
    hold(least, pageCount) {
      if (fstatSync(file).size < least * pageBytes) extend(file, pageCount * pageBytes);
      return Math.floor(fstatSync(file).size / pageBytes);
    },
    close: () => closeSync(file),
  };
}

const logOf = (path: string): string => `${path}-wal`;
const reserveOf = (path: string): string => `${path}-reserve`;

const markOf = (path: string): string => `${path}-open`;

/**
 * Before any of the ledger's files is opened: opening a pipe would wait for its other end.
 *
 * Fails:   ledger/unwritable, or as the system does.
 */
export function requireFiles(path: string): void {
  for (const file of [path, logOf(path), reserveOf(path), markOf(path)])
    if (statSync(file, { throwIfNoEntry: false })?.isFile() === false)
      throw new SortgateError("ledger/unwritable", `${file} is not a file`, {
        hint: `move away what stands there: ls -ld ${file}`,
      });
}

/** From now on a missing log is a loss: it is there from the start, and goes only at a clean end. */
export function markOpen(path: string): void {
  try {
    closeSync(openSync(markOf(path), "w", 0o600));
  } catch (error) {
    // Without room for the mark a loss of the log goes unnoticed; that is no reason not to start.
    if (!["ENOSPC", "EDQUOT"].includes(systemCode(error))) throw error;
  }
}

export function unmarkOpen(path: string): void {
  rmSync(markOf(path), { force: true });
}

/** Whether the last end was none of ours. */
export function isMarkedOpen(path: string): boolean {
  return existsSync(markOf(path));
}

/** Gives the write-ahead log its full size; what stands behind its last frame means nothing to SQLite. */
export function holdLog(path: string, byteCount: number): void {
  const file = openSync(logOf(path), "r+");
  try {
    extend(file, byteCount);
  } finally {
    closeSync(file);
  }
}

/** Keeps the room that the next start needs to look at the ledger: SQLite lays an index of the log there for it. */
export function holdIndex(path: string): void {
  const file = openSync(`${path}-shm`, "a+");
  try {
    extend(file, indexBytes);
  } finally {
    closeSync(file);
  }
}

/**
 * Gives the log a second name. SQLite removes the first one whenever it closes the file: at a clean end, where the room
 * is kept for the next start, and when the process exits in the middle of its work, where what stands in it is kept.
 */
export function keepLog(path: string): void {
  try {
    rmSync(reserveOf(path), { force: true });
    linkSync(logOf(path), reserveOf(path));
  } catch {
    // A file system without links keeps nothing, and the room is asked for again at the next start.
  }
}

/** Before anything is said about a ledger that was in use: its log under the second name is that log. */
export function restoreLog(path: string): void {
  if (existsSync(path) && isMarkedOpen(path) && !existsSync(logOf(path)) && existsSync(reserveOf(path)))
    renameSync(reserveOf(path), logOf(path));
}

/** Whether the room of the log is kept under its second name alone: the ledger was closed. */
export function keptLog(path: string): string | undefined {
  return existsSync(reserveOf(path)) && !existsSync(logOf(path)) ? reserveOf(path) : undefined;
}

/** What is left of the second name when the ledger and its log were moved away. */
export function dropReserve(path: string): void {
  rmSync(reserveOf(path), { force: true });
}

/** Before the database is opened: the room that was kept becomes its log again, emptied of what stood in it. */
export function takeLog(path: string): void {
  const reserve = reserveOf(path);
  if (!existsSync(reserve)) return;
  // Both names are there when the daemon was ended between the two: the log is in use, whatever the other one is.
  if ((statSync(logOf(path), { throwIfNoEntry: false })?.size ?? 0) > 0) {
    rmSync(reserve);
    return;
  }
  const file = openSync(reserve, "r+");
  try {
    // A log that has another name still is somebody's, such as a damaged ledger's: it is left alone.
    if (fstatSync(file).nlink > 1) {
      rmSync(reserve);
      return;
    }
    writeSync(file, zeros, 0, Math.min(32, fstatSync(file).size), 0);
  } finally {
    closeSync(file);
  }
  renameSync(reserve, logOf(path));
}
