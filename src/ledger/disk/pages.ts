import type Database from "better-sqlite3";
import { systemCode } from "../../model/error.ts";
import { openSpace } from "./space.ts";

/** Pages kept for records of the ledger's own, so that a full one can still begin an epoch and tell what it refused. */
const ballastPages = 256;
/** What waits at a stop may be so much: 20,000 events of a common size. The next start finds the ledger full. */
const lastBytes = 33_554_432;
/** Room is asked of the disk this many pages ahead. */
const aheadPages = 256;
/** The write-ahead log is folded into the file at this many pages. */
const foldPages = 1_000;

/** Writes within the pages that the quota allows and that the disk has given. */
export interface Pages {
  /** Folds what an earlier run left in the log, takes room ahead, and lays the ballast. */
  settleDown(): void;
  /**
   * Runs `change` in one transaction. "full": nothing of it was written.
   *
   * Takes:   roughly how many bytes it adds; whether it may use the ballast; whether it is the last of a run, and may
   *          exceed the quota by what would be lost otherwise.
   */
  write(change: () => void, byteCount: number, isOwn: boolean, isLast?: boolean): "stored" | "full";
  readonly pageBytes: number;
  /** Folds the whole log into the file. False: not all of it could be. */
  fold(): boolean;
  /** Frames that stand in the log. */
  logFrames(): number;
  usedBytes(): number;
  /** What that may become before there is no room. */
  readonly usedBytesMax: number;
  /** After the database. */
  close(): void;
}

const number = (statement: Database.Statement): number => statement.get() as number;

/** Frames of the log, and how many of them are not in the file yet. */
function createLogState(database: Database.Database): () => { readonly frames: number; readonly unfolded: number } {
  const look = database.prepare("PRAGMA wal_checkpoint(NOOP)");
  return () => {
    const { log, checkpointed } = look.get() as { log: number; checkpointed: number };
    return { frames: log, unfolded: log - checkpointed };
  };
}

/** Runs a change in a transaction of its own. False: there is no room for it, and nothing of it was written. */
function createWriter(database: Database.Database): (change: () => void) => boolean {
  const run = database.transaction((change: () => void) => change());
  return (change) => {
    try {
      run.immediate(change);
      return true;
    } catch (error) {
      if (systemCode(error) === "SQLITE_FULL") return false;
      throw error;
    }
  };
}

/** How the ballast is laid and taken away, within a transaction. */
function createBallast(database: Database.Database, pageBytes: number) {
  const drop = database.prepare("DELETE FROM ballast");
  const lay = database.prepare("INSERT INTO ballast (only, bytes) VALUES (1, zeroblob(?))");
  const bytes = database.prepare("SELECT coalesce(max(length(bytes)), 0) FROM ballast").pluck();
  return {
    drop: () => void drop.run(),
    lay: (pages: number) => void lay.run(pages * (pageBytes - 4)),
    pages: (): number => Math.ceil((bytes.get() as number) / (pageBytes - 4)),
  };
}

export function createPages(database: Database.Database, path: string, pageBytes: number, quotaPages: number): Pages {
  let pagesMax = quotaPages;
  const space = openSpace(path, pageBytes);
  const log = createLogState(database);
  const fold = database.prepare("PRAGMA wal_checkpoint(PASSIVE)");
  const pageCount = database.prepare("PRAGMA page_count").pluck();
  const freeCount = database.prepare("PRAGMA freelist_count").pluck();
  const kept = createBallast(database, pageBytes);
  const isWritten = createWriter(database);
  let [limit, ballast] = [0, 0];
  /** The disk did not give all that was asked for: the log may find no room either. */
  let isShort = false;

  /** Lets the file grow to what the disk has given; asks for room for `pages` more if there are fewer than `least`. True: it may. */
  function allow(pages: number, least = pages): boolean {
    const used = number(pageCount);
    const held = space.hold(Math.min(pagesMax, used + least), Math.min(pagesMax, used + pages));
    isShort = held < Math.min(pagesMax, used + least);
    const allowed = Math.max(used, Math.min(pagesMax, held));
    if (allowed === limit) return false;
    const isMore = allowed > limit;
    limit = allowed;
    database.pragma(`max_page_count = ${limit}`);
    return isMore;
  }

  const freePages = (): number => number(freeCount) + limit - number(pageCount);

  /** Gives up the ballast and lays what is left of it again behind the change, in one transaction. */
  function isWrittenFromBallast(change: () => void): boolean {
    let laid = 0;
    const isStored = isWritten(() => {
      kept.drop();
      change();
      laid = Math.min(ballast, freePages());
      if (laid > 0) kept.lay(laid);
    });
    if (isStored) ballast = laid;
    return isStored;
  }

  /** Lays the whole ballast again as soon as there is twice the room. */
  function mendBallast(): void {
    if (ballast >= ballastPages || freePages() + ballast < 2 * ballastPages) return;
    const isLaid = isWritten(() => {
      kept.drop();
      kept.lay(ballastPages);
    });
    if (isLaid) ballast = ballastPages;
  }

  /** Errors are told here, where SQLite would not: a log that cannot be folded grows for ever. */
  function foldLog(pagesLeft: number): void {
    if (log().unfolded <= pagesLeft) return;
    fold.get();
    allow(aheadPages);
    mendBallast();
  }

  return {
    settleDown() {
      ballast = kept.pages();
      foldLog(0);
      allow(aheadPages + ballastPages);
      mendBallast();
      foldLog(0);
    },
    write(change, byteCount, isOwn, isLast = false) {
      if (isLast) pagesMax = quotaPages + Math.floor(lastBytes / pageBytes);
      allow(aheadPages, aheadPages / 2);
      if (!isWritten(change)) {
        // The change may be larger than what was held ahead, or the log at the end of its room.
        const isMore = allow(aheadPages + Math.ceil((2 * byteCount) / pageBytes));
        if (isShort) foldLog(0);
        const isStored = (isMore || isShort) && isWritten(change);
        if (!isStored && !(isOwn && isWrittenFromBallast(change))) return "full";
      }
      foldLog(foldPages);
      return "stored";
    },
    pageBytes,
    fold() {
      // The ballast may be laid behind the first.
      for (let time = 0; time < 2; time += 1) foldLog(0);
      return log().unfolded === 0;
    },
    logFrames: () => log().frames,
    usedBytes: () => (number(pageCount) - number(freeCount) - ballast) * pageBytes,
    usedBytesMax: (quotaPages - ballastPages) * pageBytes,
    close: space.close,
  };
}
