import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { systemCode } from "../../model/error.ts";

/** A row that was found in a page, whatever SQLite thinks of the page. */
export interface CarvedRow {
  readonly sequence: number;
  readonly bytes: Buffer;
}

/** Where pages lie in a file: at `start`, one each `stride` bytes, `skip` bytes behind there. */
export interface Layout {
  readonly start: number;
  readonly stride: number;
  readonly skip: number;
}

const pageBytes = 4_096;
/** Leaf of a table (SQLite file format §1.6). */
const leafOfTable = 13;
/** A longer payload goes on in other pages. */
const localMax = pageBytes - 35;
/** The columns of `event`. */
const columnCount = 5;

export const pagesOfFile: Layout = { start: 0, stride: pageBytes, skip: 0 };
/** Frames of a write-ahead log, also behind one that is broken. */
export const pagesOfLog: Layout = { start: 32, stride: pageBytes + 24, skip: 24 };

/** A variable-length integer (SQLite file format §1.6); undefined if it runs off the page or beyond 2^53. */
function varint(page: Buffer, at: number): { readonly value: number; readonly next: number } | undefined {
  let value = 0;
  for (let index = at; index < Math.min(at + 8, page.length); index += 1) {
    value = value * 128 + (page[index]! & 127);
    if (page[index]! < 128) return Number.isSafeInteger(value) ? { value, next: index + 1 } : undefined;
  }
  return undefined;
}

const sizesOfIntegers = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0];
const sizeOf = (type: number): number => (type < 12 ? (sizesOfIntegers[type] ?? 0) : Math.floor((type - 12) / 2));

/** The event in one cell; undefined if the cell holds none, or not the whole of it. */
function eventOf(page: Buffer, at: number): CarvedRow | undefined {
  const length = varint(page, at);
  const rowid = length && varint(page, length.next);
  const header = rowid && varint(page, rowid.next);
  if (length === undefined || rowid === undefined || header === undefined || length.value > localMax) return undefined;
  const types: number[] = [];
  for (let next = header.next; next < rowid.next + header.value; ) {
    const type = varint(page, next);
    if (type === undefined || types.length === columnCount) return undefined;
    types.push(type.value);
    next = type.next;
  }
  const last = types[columnCount - 1];
  // The sequence is the row's own number, and the bytes are a BLOB.
  if (last === undefined || types[0] !== 0 || last < 12 || last % 2 !== 0) return undefined;
  let start = rowid.next + header.value;
  for (const type of types.slice(0, -1)) start += sizeOf(type);
  const end = start + sizeOf(last);
  return end > page.length ? undefined : { sequence: rowid.value, bytes: Buffer.from(page.subarray(start, end)) };
}

/** Whether there is an event in a file that no ledger's header begins. Cost: up to the first one. */
export function holdsEvent(path: string): boolean {
  for (const { bytes } of carve(path, pagesOfFile)) if (bytes.includes('"type":"org.sortgate.')) return true;
  return false;
}

/**
 * Looks for rows of the table of events in the pages of a file, without SQLite. What it finds may be old, or wrong.
 *
 * Loses:   rows longer than a page holds.
 */
export function* carve(path: string, { start, stride, skip }: Layout): Generator<CarvedRow> {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return;
    throw error;
  }
  try {
    const { size } = fstatSync(file);
    const page = Buffer.alloc(pageBytes);
    for (let at = start + skip; at + pageBytes <= size; at += stride) {
      readSync(file, page, 0, pageBytes, at);
      if (page[0] !== leafOfTable) continue;
      const cellCount = Math.min(page.readUInt16BE(3), (pageBytes - 8) / 2);
      for (let cell = 0; cell < cellCount; cell += 1) {
        const row = eventOf(page, page.readUInt16BE(8 + 2 * cell));
        if (row !== undefined) yield row;
      }
    }
  } finally {
    closeSync(file);
  }
}
