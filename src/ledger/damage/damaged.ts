import { statSync } from "node:fs";
import Database from "better-sqlite3";
import { systemCode } from "../../model/error.ts";
import { createRangeSet, type Range } from "../range-set.ts";
import { type CarvedRow, carve, pagesOfFile, pagesOfLog } from "./carve.ts";

/** A damaged ledger, read as far as it can be. Nothing of it is changed; what is read may be wrong. */
export interface DamagedLedger {
  /** Where its chain ended; undefined if that cannot be read. */
  chain(): { readonly chain: string; readonly sequence: number; readonly previous: string } | undefined;
  /** What a broker needs no more; empty if that cannot be read. */
  cursor(broker: string): readonly Range[];
  /** The epoch event that was kept without the rest of its epoch; undefined if there is none that can be read. */
  keptEpoch(): Uint8Array | undefined;
  /** Rows behind a sequence, in order, in batches; rows that cannot be read are left out, doubtful ones come in each form. */
  rows(behind: number): Generator<readonly CarvedRow[]>;
  close(): void;
}

const batchCount = 256;
/** A sequence so many empty batches behind all others is a damaged one. */
const emptyMax = 4_000;
/** What is carved out of pages is held in memory; what is beyond that stays in the file. */
const carvedBytesMax = 67_108_864;

/** What SQLite says of a damaged place, rather than of the disk under it. */
export function isDamage(error: unknown): boolean {
  return /^SQLITE_(CORRUPT|NOTADB|FORMAT|ERROR|MISMATCH)/.test(systemCode(error));
}

function orElse<Value>(read: () => Value, otherwise: Value): Value {
  try {
    return read();
  } catch (error) {
    if (isDamage(error) || error instanceof SyntaxError) return otherwise;
    throw error;
  }
}

/** Rows that SQLite finds, a batch of sequences at a time: one row at a time where a page cannot be read. */
function createFinder(database: Database.Database): (from: number, to: number) => CarvedRow[] {
  const many = orElse(
    () => database.prepare("SELECT sequence, bytes FROM event WHERE sequence BETWEEN ? AND ?"),
    undefined,
  );
  const one = orElse(() => database.prepare("SELECT sequence, bytes FROM event WHERE sequence = ?"), undefined);
  if (many === undefined || one === undefined) return () => [];
  return (from, to) => {
    const whole = orElse(() => many.all(from, to) as CarvedRow[], undefined);
    if (whole?.length === to - from + 1) return whole;
    const found: CarvedRow[] = [];
    for (let sequence = from; sequence <= to; sequence += 1) {
      const row = orElse(() => one.get(sequence) as CarvedRow | undefined, undefined);
      if (row !== undefined && Buffer.isBuffer(row.bytes)) found.push(row);
    }
    return found;
  };
}

/** Rows that lie in pages of the log, and of the file unless it is read, and that are wanted, by sequence, each form once. */
function carveAll(
  path: string,
  isFileRead: boolean,
  isWanted: (sequence: number) => boolean,
): Map<number, CarvedRow[]> {
  const found = new Map<number, CarvedRow[]>();
  let byteCount = 0;
  const sources = [[`${path}-wal`, pagesOfLog] as const, ...(isFileRead ? [] : [[path, pagesOfFile] as const])];
  for (const [file, layout] of sources)
    for (const row of carve(file, layout)) {
      if (!isWanted(row.sequence) || byteCount > carvedBytesMax) continue;
      const forms = found.get(row.sequence) ?? [];
      if (forms.some(({ bytes }) => bytes.equals(row.bytes))) continue;
      byteCount += row.bytes.length;
      found.set(row.sequence, [...forms, row]);
    }
  return found;
}

/** Opens a ledger that was moved aside, or the log that is left of it. Fails: what SQLite says of a file that cannot be opened. */
export function openDamaged(path: string): DamagedLedger {
  // With an empty file SQLite would delete the log, which then is all that is left.
  const isGone = (statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0;
  const database = isGone ? new Database(":memory:") : new Database(path, { readonly: true, timeout: 200 });
  const first = <Row>(sql: string, ...values: unknown[]): Row | undefined =>
    orElse(() => database.prepare(sql).get(...values) as Row | undefined, undefined);
  const chain: DamagedLedger["chain"] = () => first("SELECT chain, sequence, previous FROM chain");

  function* rows(behind: number): ReturnType<DamagedLedger["rows"]> {
    const lowest = first<{ sequence: number }>("SELECT sequence FROM event ORDER BY sequence LIMIT 1");
    const highest = first<{ sequence: number }>("SELECT sequence FROM event ORDER BY sequence DESC LIMIT 1");
    const start = Math.max(1, lowest?.sequence ?? 1, behind + 1);
    const end = Math.max(highest?.sequence ?? 0, chain()?.sequence ?? 0);
    const find = createFinder(database);
    // Only what SQLite does not find is searched for in the pages themselves; the log may hold more than it takes from it.
    const sound = createRangeSet([]);
    let emptyCount = 0;
    let reached = start - 1;
    for (let from = start; from <= end && emptyCount < emptyMax; from += batchCount) {
      reached = Math.min(end, from + batchCount - 1);
      const found = find(from, reached);
      emptyCount = found.length === 0 ? emptyCount + 1 : 0;
      for (const { sequence } of found) sound.add(sequence, sequence);
    }
    const isFileRead = reached >= start && sound.missing(start, reached, 1, []).count === 0;
    const carved = carveAll(
      path,
      isFileRead,
      (sequence) =>
        sequence >= start &&
        sequence <= reached + emptyMax * batchCount &&
        sound.missing(sequence, sequence, 1, []).count > 0,
    );
    let last = reached;
    for (const sequence of carved.keys()) last = Math.max(last, sequence);
    for (let from = start; from <= last; from += batchCount) {
      const to = Math.min(last, from + batchCount - 1);
      const found = find(from, Math.min(to, reached));
      for (let sequence = from; carved.size > 0 && sequence <= to; sequence += 1)
        found.push(...(carved.get(sequence) ?? []));
      yield found.sort((a, b) => a.sequence - b.sequence);
    }
  }

  return {
    chain,
    cursor(broker) {
      const row = first<{ settled: string }>("SELECT settled FROM cursor WHERE broker = ?", broker);
      const read = orElse(() => JSON.parse(row?.settled ?? "[]") as Range[], []);
      const ranges = Array.isArray(read) ? read : [];
      const set = createRangeSet([]);
      const added = orElse(
        () => database.prepare("SELECT ranges FROM cursor_added WHERE broker = ?").pluck().all(broker) as string[],
        [],
      );
      for (const text of added) orElse(() => void ranges.push(...(JSON.parse(text) as Range[])), undefined);
      for (const [from, to] of ranges)
        if (Number.isSafeInteger(from) && Number.isSafeInteger(to) && from >= 1 && from <= to) set.add(from, to);
      return set.ranges();
    },
    keptEpoch: () => first<{ bytes: Buffer }>("SELECT bytes FROM kept_epoch WHERE sequence > 0")?.bytes,
    rows,
    close: () => {
      database.close();
    },
  };
}
