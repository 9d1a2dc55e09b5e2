import { existsSync, realpathSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import type Database from "better-sqlite3";
import { assert } from "../lib/assert.ts";
import { SortgateError } from "../model/error.ts";
import type { EventKind, SealedEvent } from "../model/event.ts";
import { limits } from "../model/limits.ts";
import { type CursorChange, type CursorRows, createCursorRows } from "./cursor-rows.ts";
import { isDamage } from "./damage/damaged.ts";
import { suspectOf } from "./damage/examine.ts";
import { hashAt } from "./damage/intact.ts";
import { listDamaged, markSent, quarantine, unsalvagedOf } from "./damage/quarantine.ts";
import { createSalvagedList, type SalvagedList } from "./damage/salvaged.ts";
import { explainSqlite, type Moved, openDatabase } from "./database.ts";
import { createPages, type Pages } from "./disk/pages.ts";
import { createPlaceCheck, sizeOf } from "./disk/place.ts";
import { holdIndex, holdLog, keepLog, keptLog, markOpen, unmarkOpen } from "./disk/space.ts";
import { createWipe, wipeClosedLog } from "./disk/wipe.ts";
import { createErasedRows, type ErasedRows } from "./erased-rows.ts";
import { createKeptEpoch } from "./kept-epoch.ts";
import type { BrokerCounts, ChainRow, Commit, Ledger, NewlyRefused, RefusedEvent, StoredEvent } from "./ledger-face.ts";

/** The write-ahead log has room for the largest commit: `limits.commitBytesMax`, and the destruction of some thousand. */
const walBytesMax = 6_000_000;

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
  const last = database.prepare("SELECT sequence, kind, bytes FROM event ORDER BY sequence DESC LIMIT 1").get() as
    | { sequence: number; kind: string; bytes: Buffer }
    | undefined;
  if (chain === undefined && last === undefined) return;
  const fits =
    chain !== undefined &&
    (last === undefined || (last.sequence === chain.sequence && hashAt(last) === chain.previous));
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
  unbeat: "UPDATE chain SET sequence = sequence - 1",
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
  erased: ErasedRows,
): (commit: Commit, isTight: boolean) => void {
  const insert = database.prepare(statements.insert);
  const putChain = database.prepare(statements.chain);
  const beat = database.prepare(statements.beat);
  const putRefused = createRefusedWriter(database);
  const destroy = database.prepare(statements.destroy);
  const kept = createKeptEpoch(database);
  return (commit, isTight) => {
    if (commit.destroyed !== undefined) erased.add(commit.destroyed);
    if (commit.erased !== undefined) erased.erase(commit.erased);
    if (commit.unsaved !== undefined) salvaged.remove(commit.unsaved);
    const found = commit.destroyTo > 0 ? kept.find(commit.destroyTo) : undefined;
    if (commit.destroyTo > 0) destroy.run(commit.destroyTo);
    for (const event of commit.events)
      insert.run(event.sequence, event.kind, event.subject ?? null, event.at, event.bytes);
    if (commit.destroyTo > 0) kept.keep(found);
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

/** Whether the log holds something from now on that is not to be there any more. */
function destroys({ destroyTo, erased, unsaved, isSalvageOver }: Commit): boolean {
  return destroyTo > 0 || erased !== undefined || unsaved !== undefined || isSalvageOver === true;
}

function bytesOf(events: readonly { readonly bytes: Uint8Array }[]): number {
  let byteCount = 0;
  for (const { bytes } of events) byteCount += bytes.length;
  return byteCount;
}

function countsOf(database: Database.Database, broker: string): BrokerCounts | undefined {
  const text = database.prepare("SELECT counts FROM cursor WHERE broker = ?").pluck().get(broker);
  return typeof text === "string" ? (JSON.parse(text) as BrokerCounts) : undefined;
}

/** Changes a page of the file, and leaves it as it was. */
function createTouch(database: Database.Database): () => void {
  const [beat, unbeat] = [database.prepare(statements.beat), database.prepare(statements.unbeat)];
  return () => {
    beat.run();
    unbeat.run();
  };
}

function createReads(
  database: Database.Database,
  path: string,
): Pick<Ledger, "read" | "keptEpoch" | "readEach" | "lastBefore" | "lastEpoch"> {
  const read = database.prepare(statements.read);
  const before = database.prepare(statements.before);
  const lastEpoch = database.prepare(statements.lastEpoch).pluck();
  const kept = createKeptEpoch(database);
  return {
    read(from, to, byteCountMax) {
      const events: SealedEvent[] = readInto(read, from, to, byteCountMax);
      const epoch = kept.read();
      const isFirst = epoch !== undefined && epoch.sequence < (events[0]?.sequence ?? 0);
      return isFirst && epoch.sequence >= from ? [epoch, ...events] : events;
    },
    keptEpoch() {
      try {
        return kept.read();
      } catch (error) {
        if (!isDamage(error)) throw explainSqlite(error, path);
        return undefined;
      }
    },
    readEach(from, to) {
      try {
        return readInto(read, from, to, Number.POSITIVE_INFINITY);
      } catch (error) {
        if (!isDamage(error)) throw explainSqlite(error, path);
        return readOneByOne(read, from, to, path);
      }
    },
    lastBefore: (at, last) => (before.get(at, last, last) as { last: number }).last,
    lastEpoch: (from, to) => (lastEpoch.get(from, to) as number | undefined) ?? 0,
  };
}

function overDatabase(database: Database.Database, path: string, pages: Pages, moved: Moved | undefined): Ledger {
  const salvaged = createSalvagedList(database);
  const bounds = database.prepare(statements.bounds);
  const cursors = createCursorRows(database);
  const erased = createErasedRows(database);
  const write = createWrite(database, salvaged, cursors, erased);
  const wipe = createWipe({ path, bytesMax: walBytesMax, pages, touch: createTouch(database) });
  const checkPlace = createPlaceCheck(path);
  let isDoubted = false;

  return {
    chain: () => database.prepare("SELECT chain, sequence, previous, peaks FROM chain").get() as ChainRow | undefined,
    lostCount: () => (database.prepare("SELECT lost FROM chain").get() as { lost: number } | undefined)?.lost ?? 0,
    cursor: cursors.read,
    refusedCount(broker) {
      const row = database.prepare(statements.refusedCount).get(broker) as { count: number } | undefined;
      return row?.count ?? 0;
    },
    refused: (broker, max) => database.prepare(statements.refused).all(broker, max) as RefusedEvent[],
    counts: (broker) => countsOf(database, broker),
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
    erased,
    damagedFiles: () => listDamaged(path).map((file) => basename(file)),
    wipe() {
      try {
        return wipe.step();
      } catch (error) {
        throw explainSqlite(error, path);
      }
    },
    commit(commit) {
      let byteCount = bytesOf(commit.events);
      for (const change of changesOf(commit)) byteCount += cursors.sizeOf(change);
      const attempt = (isTight: boolean, isOwn: boolean): boolean =>
        pages.write(() => write(commit, isTight), byteCount, isOwn, commit.isLast === true) === "stored";
      try {
        // What is destroyed is written over, page by page: the log has room for that if it is empty.
        if (commit.destroyTo > 0) pages.fold();
        // Cursors are drawn together before they take of what is kept for records of the ledger's own.
        const stored =
          attempt(false, false) ||
          (commit.settled.size > 0 && attempt(true, false)) ||
          (commit.isOwn === true && attempt(commit.settled.size > 0, true));
        if (stored) cursors.stored();
        if (destroys(commit)) {
          wipe.needed();
          erased.changed();
        }
        if (stored && commit.isSalvageOver === true) markSent(path, salvaged.files());
        return stored ? "stored" : "full";
      } catch (error) {
        throw explainSqlite(error, path);
      } finally {
        cursors.undone();
      }
    },
    ...createReads(database, path),
    doubt() {
      isDoubted = true;
      writeFileSync(suspectOf(path), "");
    },
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
      const kept = keptLog(path);
      if (kept !== undefined && wipe.isNeeded() && !isDoubted) wipeClosedLog(kept);
    },
  };
}
