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
  usedBytes(): number;
  /** What that may become before there is no room. */
  readonly usedBytesMax: number;
  /** After the database. */
  close(): void;
}

const number = (statement: Database.Statement): number => statement.get() as number;

export function createPages(database: Database.Database, path: string, pageBytes: number, quotaPages: number): Pages {
  let pagesMax = quotaPages;
  const space = openSpace(path, pageBytes);
  const log = database.prepare("PRAGMA wal_checkpoint(NOOP)");
  const fold = database.prepare("PRAGMA wal_checkpoint(PASSIVE)");
  const pageCount = database.prepare("PRAGMA page_count").pluck();
  const freeCount = database.prepare("PRAGMA freelist_count").pluck();
  const dropBallast = database.prepare("DELETE FROM ballast");
  const layBallast = database.prepare("INSERT INTO ballast (only, bytes) VALUES (1, zeroblob(?))");
  const ballastBytes = database.prepare("SELECT coalesce(max(length(bytes)), 0) FROM ballast").pluck();
  const run = database.transaction((change: () => void) => change());
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

  function isWritten(change: () => void): boolean {
    try {
      run.immediate(change);
      return true;
    } catch (error) {
      if (systemCode(error) === "SQLITE_FULL") return false;
      throw error;
    }
  }

  const freePages = (): number => number(freeCount) + limit - number(pageCount);

  /** Gives up the ballast and lays what is left of it again behind the change, in one transaction. */
  function isWrittenFromBallast(change: () => void): boolean {
    let laid = 0;
    const isStored = isWritten(() => {
      dropBallast.run();
      change();
      laid = Math.min(ballast, freePages());
      if (laid > 0) layBallast.run(laid * (pageBytes - 4));
    });
    if (isStored) ballast = laid;
    return isStored;
  }

  /** Lays the whole ballast again as soon as there is twice the room. */
  function mendBallast(): void {
    if (ballast >= ballastPages || freePages() + ballast < 2 * ballastPages) return;
    const isLaid = isWritten(() => {
      dropBallast.run();
      layBallast.run(ballastPages * (pageBytes - 4));
    });
    if (isLaid) ballast = ballastPages;
  }

  /** Errors are told here, where SQLite would not: a log that cannot be folded grows for ever. */
  function foldLog(pagesLeft: number): void {
    const { log: logged, checkpointed } = log.get() as { log: number; checkpointed: number };
    if (logged - checkpointed <= pagesLeft) return;
    fold.get();
    allow(aheadPages);
    mendBallast();
  }

  return {
    settleDown() {
      ballast = Math.ceil(number(ballastBytes) / (pageBytes - 4));
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
    usedBytes: () => (number(pageCount) - number(freeCount) - ballast) * pageBytes,
    usedBytesMax: (quotaPages - ballastPages) * pageBytes,
    close: space.close,
  };
}
