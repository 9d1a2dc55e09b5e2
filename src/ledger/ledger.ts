import { createHash } from "node:crypto";
import { existsSync, realpathSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import type Database from "better-sqlite3";
import { assert } from "../lib/assert.ts";
import { SortgateError } from "../model/error.ts";
import type { EventKind, SealedEvent } from "../model/event.ts";
import { limits } from "../model/limits.ts";
import type { EpochMs } from "../model/units.ts";
import { type CursorChange, type CursorRows, createCursorRows } from "./cursor-rows.ts";
import { isDamage } from "./damage/damaged.ts";
import { suspectOf } from "./damage/examine.ts";
import { markSent, quarantine, type Unsalvaged, unsalvagedOf } from "./damage/quarantine.ts";
import { createSalvagedList, type SalvagedEvent, type SalvagedList } from "./damage/salvaged.ts";
import { explainSqlite, type Moved, openDatabase } from "./database.ts";
import { createPages, type Pages } from "./disk/pages.ts";
import { createPlaceCheck, sizeOf } from "./disk/place.ts";
import { holdIndex, holdLog, keepLog, markOpen, unmarkOpen } from "./disk/space.ts";
import type { Range } from "./range-set.ts";

/** Where the chain stands: all that sealing needs to go on. */
export interface ChainRow {
  /** 12 hex digits, drawn when the file was made. */
  readonly chain: string;
  /** The last sequence; 0 in a new ledger. */
  readonly sequence: number;
  /** base64url SHA-256 of the last event's bytes. */
  readonly previous: string;
  /** The Merkle log's compact range. */
  readonly peaks: Uint8Array;
}

/** An event as it stands in the ledger. */
export interface StoredEvent extends SealedEvent {
  readonly at: EpochMs;
}

/** An event that a broker will never take, and why. */
export interface RefusedEvent {
  readonly sequence: number;
  readonly reason: string;
  readonly at: EpochMs;
}

/** What a broker refused since the last commit: the newest one by one, and how many there were. */
export interface NewlyRefused {
  readonly count: number;
  readonly events: readonly RefusedEvent[];
}

/** What became of the events that one broker needs no more: events = delivered + queued + refused + lost, by reason. */
export interface BrokerCounts {
  readonly delivered: number;
  readonly lost: { readonly [reason: string]: number };
}

/** What one commit writes, all or nothing. */
export interface Commit {
  readonly events: readonly StoredEvent[];
  /** Where the chain stands after `events`. */
  readonly chain: ChainRow;
  /** Cursors that moved. */
  readonly settled: ReadonlyMap<string, readonly Range[]>;
  /** What came into these cursors since the last commit; absent where something was taken away. */
  readonly added?: ReadonlyMap<string, readonly Range[]>;
  /** What brokers refused for good, by broker; each of them stands in `settled` too. */
  readonly refused: ReadonlyMap<string, NewlyRefused>;
  /** What became of the settled events of these cursors. */
  readonly counts?: ReadonlyMap<string, BrokerCounts>;
  /** Events up to this sequence are destroyed with this commit; 0: none. */
  readonly destroyTo: number;
  /** Events that were destroyed before every broker had them, in all. */
  readonly lostCount: number;
  /** Every broker has all salvaged events: the list goes. */
  readonly isSalvageOver?: boolean;
  /** A damaged ledger that was read: up to this event, or through. */
  readonly salvaged?: { readonly file: string; readonly reached: number | undefined };
  /** Writes the chain's row although nothing changed: what proves that a COMMIT works must reach the disk. */
  readonly isBeat?: boolean;
  /** These are records of the ledger's own (an epoch, a gap): they may use the pages that are kept for them. */
  readonly isOwn?: boolean;
  /** The last of a run: what waits would be lost, so the file may grow beyond its quota, by some megabytes. */
  readonly isLast?: boolean;
}

/** The write-ahead log has room for the largest commit: `limits.commitBytesMax`, and the destruction of some thousand. */
const walBytesMax = 6_000_000;

export interface LedgerExtent {
  /** Lowest and highest sequence on disk; 0 and 0 when empty. */
  readonly first: number;
  readonly last: number;
  readonly fileBytes: number;
  readonly walBytes: number;
  /** Bytes that are used, free pages not counted. */
  readonly usedBytes: number;
  /** What that may become before there is no room. */
  readonly usedBytesMax: number;
}

/**
 * The append-only log of events in one SQLite file; also the outage queue.
 *
 * Invariants
 * 1. What `commit` answered "stored" survives a crash of the process and of the machine (WAL, synchronous=FULL).
 * 2. Sequences on disk are gapless from `extent().first` to `extent().last`.
 * 3. The chain row always fits the last event: they change in one transaction.
 * 4. A file is never deleted or replaced, whatever is wrong with it.
 */
export interface Ledger {
  /** The chain's row; undefined in a file that was just made. */
  chain(): ChainRow | undefined;
  lostCount(): number;
  cursor(broker: string): readonly Range[];
  /** What a broker refused for good: how many in all, and the newest one by one, the newest first. */
  refusedCount(broker: string): number;
  refused(broker: string, max: number): RefusedEvent[];
  /** Undefined if the broker has no cursor, or one that was written before there were counts. */
  counts(broker: string): BrokerCounts | undefined;
  /** The damaged ledger that opening this one moved aside. */
  readonly moved: Moved | undefined;
  /** Damaged ledgers beside this one that nobody has read through yet. */
  unsalvaged(): readonly Unsalvaged[];
  /** Adds events of another chain to the list of salvaged ones. Gives their ids; undefined: there is no room. */
  salvage(events: readonly SalvagedEvent[], reason: string): number[] | undefined;
  readonly salvaged: Pick<SalvagedList, "last" | "read" | "count">;
  /** Writes all or nothing. "full": nothing was written and the file may not grow. Fails: ledger/io, ledger/corrupt. */
  commit(commit: Commit): "stored" | "full";
  /** Events of [from, to] in order, cut off after `bytesMax` bytes (but at least one). */
  read(from: number, to: number, bytesMax: number): StoredEvent[];
  /** As `read`, without the rows that cannot be read. Fails: ledger/io, if the disk fails. */
  readEach(from: number, to: number): StoredEvent[];
  /** The file is in doubt: the next start reads it whole. */
  doubt(): void;
  /** How far from its beginning on, but no further than `last`, the ledger holds only events made before `at`. */
  lastBefore(at: EpochMs, last: number): number;
  /** The sequence of the last epoch event within [from, to]; 0 if there is none. Cost: reads back from `to` to it. */
  lastEpoch(from: number, to: number): number;
  /** …and of the first. Cost: reads from `from` to it. */
  firstEpoch(from: number, to: number): number;
  extent(): LedgerExtent;
  /** Makes sure that the file still is where it was opened. Fails: ledger/io; what is committed from then on is lost. */
  checkPlace(): void;
  /** Folds the write-ahead log into the file and lets go of both. */
  close(): void;
}

interface EventRow {
  readonly sequence: number;
  readonly kind: string;
  readonly subject: string | null;
  readonly at: number;
  readonly bytes: Buffer;
}

function storedEvent(row: EventRow): StoredEvent {
  return { ...row, kind: row.kind as EventKind, subject: row.subject ?? undefined };
}

/** Refuses a file whose last event is not the one that the chain goes on from. */
function checkTail(database: Database.Database, path: string): void {
  const chain = database.prepare("SELECT sequence, previous FROM chain").get() as
    | { sequence: number; previous: string }
    | undefined;
  const last = database.prepare("SELECT sequence, bytes FROM event ORDER BY sequence DESC LIMIT 1").get() as
    | { sequence: number; bytes: Buffer }
    | undefined;
  if (chain === undefined && last === undefined) return;
  const fits =
    chain !== undefined &&
    (last === undefined ||
      (last.sequence === chain.sequence &&
        createHash("sha256").update(last.bytes).digest("base64url") === chain.previous));
  if (fits) return;
  throw new SortgateError("ledger/corrupt", `The ledger ${path} does not end where its chain ends`, {
    hint: "move the file aside (never delete it), start again, and keep the old file for sortgate verify",
  });
}

const statements = {
  insert: "INSERT INTO event (sequence, kind, subject, at, bytes) VALUES (?, ?, ?, ?, ?)",
  chain:
    "INSERT INTO chain (only, chain, sequence, previous, peaks, lost) VALUES (1, ?, ?, ?, ?, ?) ON CONFLICT (only) DO UPDATE SET sequence = excluded.sequence, previous = excluded.previous, peaks = excluded.peaks, lost = excluded.lost",
  // A row that is written as it stands costs SQLite nothing, not even a sync: for a moment it is another.
  beat: "UPDATE chain SET sequence = sequence + 1",
  refuse: "INSERT INTO refused (broker, sequence, reason, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
  countRefused: "UPDATE cursor SET refused = refused + ? WHERE broker = ?",
  forgetRefused:
    "DELETE FROM refused WHERE broker = ? AND sequence <= (SELECT sequence FROM refused WHERE broker = ? ORDER BY sequence DESC LIMIT 1 OFFSET ?)",
  refused: "SELECT sequence, reason, at FROM refused WHERE broker = ? ORDER BY sequence DESC LIMIT ?",
  refusedCount: "SELECT refused AS count FROM cursor WHERE broker = ?",
  destroy: "DELETE FROM event WHERE sequence <= ?",
  read: "SELECT sequence, kind, subject, at, bytes FROM event WHERE sequence BETWEEN ? AND ? ORDER BY sequence LIMIT ?",
  // Times may step back with the clock, so the newest event that is too old is not enough: take the oldest that is not.
  before:
    "SELECT coalesce((SELECT sequence FROM event WHERE at >= ? AND sequence <= ? ORDER BY sequence LIMIT 1) - 1, (SELECT max(sequence) FROM event WHERE sequence <= ?), 0) AS last",
  lastEpoch:
    "SELECT sequence FROM event WHERE kind = 'epoch' AND sequence BETWEEN ? AND ? ORDER BY sequence DESC LIMIT 1",
  firstEpoch: "SELECT sequence FROM event WHERE kind = 'epoch' AND sequence BETWEEN ? AND ? ORDER BY sequence LIMIT 1",
  bounds:
    "SELECT coalesce((SELECT min(sequence) FROM event), 0) AS first, coalesce((SELECT max(sequence) FROM event), 0) AS last",
};

function readInto(statement: Database.Statement, from: number, to: number, bytesMax: number): StoredEvent[] {
  const events: StoredEvent[] = [];
  let byteCount = 0;
  for (let next = from; next <= to; ) {
    const rows = statement.all(next, to, 256) as EventRow[];
    for (const row of rows) {
      byteCount += row.bytes.length;
      if (byteCount > bytesMax && events.length > 0) return events;
      events.push(storedEvent(row));
    }
    if (rows.length < 256) break;
    next = rows[rows.length - 1]!.sequence + 1;
  }
  return events;
}

/** Opens the file, or makes it. `bytesMax` bounds the file and its write-ahead log together. */
export function openLedger(named: string, bytesMax: number): Ledger {
  // SQLite names the log after the file itself, not after a link to it.
  const path = existsSync(named) ? realpathSync(named) : named;
  assert(bytesMax >= 9_000_000, "a ledger has room beside its write-ahead log");
  const { database, moved } = openDatabase(path);
  try {
    checkTail(database, path);
    const pageBytes = database.pragma("page_size", { simple: true }) as number;
    holdLog(path, walBytesMax);
    markOpen(path);
    keepLog(path);
    holdIndex(path);
    const pagesMax = Math.floor((bytesMax - walBytesMax) / pageBytes);
    const pages = createPages(database, path, pageBytes, pagesMax);
    pages.settleDown();
    return overDatabase(database, path, pages, moved);
  } catch (error) {
    database.close();
    const explained = explainSqlite(error, path);
    // It looked whole and cannot be gone on with, as with a log that belongs to a longer file.
    if (explained.code === "ledger/corrupt") quarantine(path);
    // Closing folds and removes the log where the disk lets it: then nothing is missing.
    if (!existsSync(`${path}-wal`)) unmarkOpen(path);
    throw explained;
  }
}

/** Writes what a broker refused into its list, and forgets the oldest of a list that is too long. */
function createRefusedWriter(database: Database.Database): (broker: string, newly: NewlyRefused) => void {
  const insert = database.prepare(statements.refuse);
  const add = database.prepare(statements.countRefused);
  const forget = database.prepare(statements.forgetRefused);
  return (broker, { count, events }) => {
    for (const { sequence, reason, at } of events) insert.run(broker, sequence, reason, at);
    add.run(count, broker);
    forget.run(broker, broker, limits.refusedListMax);
  };
}

/** Rows of a page that cannot be read are missed, all others are not. */
function readOneByOne(statement: Database.Statement, from: number, to: number, path: string): StoredEvent[] {
  const events: StoredEvent[] = [];
  for (let sequence = from; sequence <= to; sequence += 1) {
    try {
      events.push(...readInto(statement, sequence, sequence, Number.POSITIVE_INFINITY));
    } catch (error) {
      if (!isDamage(error)) throw explainSqlite(error, path);
    }
  }
  return events;
}

function changesOf({ settled, added, counts }: Commit): CursorChange[] {
  return [...settled].map(([broker, ranges]) => {
    return { broker, ranges, added: added?.get(broker), counts: counts?.get(broker) };
  });
}

function createWrite(
  database: Database.Database,
  salvaged: SalvagedList,
  cursors: CursorRows,
): (commit: Commit, isTight: boolean) => void {
  const insert = database.prepare(statements.insert);
  const putChain = database.prepare(statements.chain);
  const beat = database.prepare(statements.beat);
  const putRefused = createRefusedWriter(database);
  const destroy = database.prepare(statements.destroy);
  return (commit, isTight) => {
    if (commit.destroyTo > 0) destroy.run(commit.destroyTo);
    for (const event of commit.events)
      insert.run(event.sequence, event.kind, event.subject ?? null, event.at, event.bytes);
    if (commit.isBeat === true) beat.run();
    const { chain, sequence, previous, peaks } = commit.chain;
    putChain.run(chain, sequence, previous, peaks, commit.lostCount);
    for (const change of changesOf(commit)) cursors.write(change, isTight);
    for (const [broker, newly] of commit.refused) putRefused(broker, newly);
    if (commit.isSalvageOver === true) salvaged.clear();
    if (commit.salvaged !== undefined)
      salvaged.done(basename(commit.salvaged.file), Date.now(), commit.salvaged.reached);
  };
}

function bytesOf(events: readonly { readonly bytes: Uint8Array }[]): number {
  let byteCount = 0;
  for (const { bytes } of events) byteCount += bytes.length;
  return byteCount;
}

function overDatabase(database: Database.Database, path: string, pages: Pages, moved: Moved | undefined): Ledger {
  const salvaged = createSalvagedList(database);
  const read = database.prepare(statements.read);
  const before = database.prepare(statements.before);
  const lastEpoch = database.prepare(statements.lastEpoch).pluck();
  const firstEpoch = database.prepare(statements.firstEpoch).pluck();
  const bounds = database.prepare(statements.bounds);
  const cursors = createCursorRows(database);
  const write = createWrite(database, salvaged, cursors);
  const checkPlace = createPlaceCheck(path);

  return {
    chain: () => database.prepare("SELECT chain, sequence, previous, peaks FROM chain").get() as ChainRow | undefined,
    lostCount: () => (database.prepare("SELECT lost FROM chain").get() as { lost: number } | undefined)?.lost ?? 0,
    cursor: cursors.read,
    refusedCount(broker) {
      const row = database.prepare(statements.refusedCount).get(broker) as { count: number } | undefined;
      return row?.count ?? 0;
    },
    refused: (broker, max) => database.prepare(statements.refused).all(broker, max) as RefusedEvent[],
    counts(broker) {
      const row = database.prepare("SELECT counts FROM cursor WHERE broker = ?").get(broker) as
        | { counts: string | null }
        | undefined;
      return row?.counts === undefined || row.counts === null ? undefined : (JSON.parse(row.counts) as BrokerCounts);
    },
    moved,
    salvaged,
    unsalvaged: () => unsalvagedOf(path, salvaged.files()),
    salvage(events, reason) {
      const byteCount = bytesOf(events);
      const ids: number[] = [];
      const add = (): void => {
        ids.length = 0;
        for (const event of events) ids.push(salvaged.add(event, reason));
      };
      return pages.write(add, byteCount, false) === "full" ? undefined : ids;
    },
    commit(commit) {
      let byteCount = bytesOf(commit.events);
      for (const change of changesOf(commit)) byteCount += cursors.sizeOf(change);
      const attempt = (isTight: boolean, isOwn: boolean): boolean =>
        pages.write(() => write(commit, isTight), byteCount, isOwn, commit.isLast === true) === "stored";
      try {
        // Cursors are drawn together before they take of what is kept for records of the ledger's own.
        const stored =
          attempt(false, false) ||
          (commit.settled.size > 0 && attempt(true, false)) ||
          (commit.isOwn === true && attempt(commit.settled.size > 0, true));
        if (stored) cursors.stored();
        if (stored && commit.isSalvageOver === true) markSent(path, salvaged.files());
        return stored ? "stored" : "full";
      } catch (error) {
        throw explainSqlite(error, path);
      } finally {
        cursors.undone();
      }
    },
    read: (from, to, byteCountMax) => readInto(read, from, to, byteCountMax),
    readEach(from, to) {
      try {
        return readInto(read, from, to, Number.POSITIVE_INFINITY);
      } catch (error) {
        if (!isDamage(error)) throw explainSqlite(error, path);
        return readOneByOne(read, from, to, path);
      }
    },
    doubt: () => writeFileSync(suspectOf(path), ""),
    lastBefore: (at, last) => (before.get(at, last, last) as { last: number }).last,
    lastEpoch: (from, to) => (lastEpoch.get(from, to) as number | undefined) ?? 0,
    firstEpoch: (from, to) => (firstEpoch.get(from, to) as number | undefined) ?? 0,
    extent: () => ({
      ...(bounds.get() as { first: number; last: number }),
      fileBytes: sizeOf(path),
      walBytes: sizeOf(`${path}-wal`),
      usedBytes: pages.usedBytes(),
      usedBytesMax: pages.usedBytesMax,
    }),
    checkPlace,
    close() {
      // First: an end between the two leaves a log that needs no mark to be found.
      unmarkOpen(path);
      keepLog(path);
      database.close();
      pages.close();
    },
  };
}
