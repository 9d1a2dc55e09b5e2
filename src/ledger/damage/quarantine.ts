import { closeSync, existsSync, fsyncSync, openSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { dropReserve } from "../disk/space.ts";
import { suspectOf } from "./examine.ts";
import { hasLog } from "./log.ts";

const infix = ".damaged-";

/** 20261123T031011Z: sorts by time, and is a name everywhere. */
function stamp(): string {
  return new Date().toISOString().replace(/[-:]|\.\d+/g, "");
}

function freeName(path: string): string {
  const name = `${path}${infix}${stamp()}`;
  for (let number = 1; ; number += 1) {
    const candidate = number === 1 ? name : `${name}-${number}`;
    if (!existsSync(candidate) && !existsSync(`${candidate}-wal`)) return candidate;
  }
}

function syncDirectory(path: string): void {
  const directory = openSync(dirname(path), "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/** The damaged ledgers beside `path`, oldest first. */
export function listDamaged(path: string): string[] {
  const prefix = `${basename(path)}${infix}`;
  return readdirSync(dirname(path))
    .filter((name) => name.startsWith(prefix) && !/-wal$|-shm$|\.sent$/.test(name))
    .sort()
    .map((name) => join(dirname(path), name));
}

const sentOf = (file: string): string => `${file}.sent`;

/** Notes that every broker has what was saved of the files that were read through, for the ledger after this one too. */
export function markSent(path: string, files: ReadonlyMap<string, number>): void {
  for (const file of listDamaged(path)) {
    if (files.get(basename(file)) !== Number.POSITIVE_INFINITY) continue;
    try {
      closeSync(openSync(sentOf(file), "w", 0o600));
    } catch {
      // Without the mark it is sent once more after another damage, byte for byte.
    }
  }
}

/** A damaged ledger that was not read through. */
export interface Unsalvaged {
  readonly file: string;
  /** Up to which event it was read. */
  readonly reached: number;
}

/** Takes: up to which event each file was read, by its name. */
export function unsalvagedOf(path: string, files: ReadonlyMap<string, number>): Unsalvaged[] {
  return listDamaged(path)
    .map((file) => ({ file, reached: files.get(basename(file)) ?? 0 }))
    .filter(({ file, reached }) => Number.isFinite(reached) && !existsSync(sentOf(file)));
}

/**
 * Moves a damaged ledger aside with its log; nothing is deleted or written over. Gives its new name.
 *
 * The log goes last: without its file it is found by `finishQuarantine`, while a file without its log would look whole.
 */
export function quarantine(path: string): string {
  const name = freeName(path);
  if (existsSync(path)) renameSync(path, name);
  // Of a file that is gone an empty one tells that its log is to be read.
  else closeSync(openSync(name, "wx", 0o600));
  if (existsSync(`${path}-wal`)) renameSync(`${path}-wal`, `${name}-wal`);
  // It is the same file, or an empty one: a new ledger must not take it for its own.
  dropReserve(path);
  rmSync(suspectOf(path), { force: true });
  syncDirectory(path);
  return name;
}

/** A log without its file may have been left by a quarantine that was cut short: it goes where the file went. */
export function finishQuarantine(path: string): void {
  if (existsSync(path) || !existsSync(dirname(path)) || !hasLog(path)) return;
  const name = listDamaged(path).findLast((damaged) => !existsSync(`${damaged}-wal`));
  if (name === undefined) return;
  renameSync(`${path}-wal`, `${name}-wal`);
  dropReserve(path);
  syncDirectory(path);
}
