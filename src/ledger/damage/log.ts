import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { systemCode } from "../../model/error.ts";

/** What a write-ahead log says of itself, read without SQLite, which would change it. Source: SQLite file format §4. */
export interface LogState {
  /** Frames that SQLite would recover: the log was not folded by a clean stop. */
  readonly frameCount: number;
  /** Committed frames stand behind one that does not fit: SQLite would silently forget them. */
  readonly isDamaged: boolean;
  /** The first page of the database as the log has it last. */
  readonly firstPage: Buffer | undefined;
}

const headerBytes = 32;
const frameHeaderBytes = 24;
const none: LogState = { frameCount: 0, isDamaged: false, firstPage: undefined };

/** The running checksum of SQLite over whole pairs of words; `big` says how the words stand. */
function checksum(bytes: Buffer, big: boolean, sums: [number, number]): [number, number] {
  let [a, b] = sums;
  for (let at = 0; at < bytes.length; at += 8) {
    a = (a + (big ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at)) + b) >>> 0;
    b = (b + (big ? bytes.readUInt32BE(at + 4) : bytes.readUInt32LE(at + 4)) + a) >>> 0;
  }
  return [a, b];
}

const fits = ([a, b]: [number, number], bytes: Buffer, at: number): boolean =>
  bytes.readUInt32BE(at) === a && bytes.readUInt32BE(at + 4) === b;

/** Reads the log at `path`. Cost: once over the file, 5 ms a megabyte. */
export function inspectLog(path: string): LogState {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return none;
    throw error;
  }
  try {
    const { size } = fstatSync(file);
    const header = Buffer.alloc(headerBytes);
    if (readSync(file, header, 0, headerBytes, 0) < headerBytes || header.every((byte) => byte === 0)) return none;
    const magic = header.readUInt32BE(0);
    const isBig = magic === 0x377f0683;
    const pageBytes = header.readUInt32BE(8);
    const sums = checksum(header.subarray(0, 24), isBig, [0, 0]);
    // A header is synced before the first frame: one that does not fit was whole once.
    if ((!isBig && magic !== 0x377f0682) || !fits(sums, header, 24)) return { ...none, isDamaged: true };
    return readFrames(file, size, pageBytes, header.subarray(16, 24), isBig, sums);
  } finally {
    closeSync(file);
  }
}

/** Whether beside the ledger at `path` lies a log that holds anything. */
export function hasLog(path: string): boolean {
  const { frameCount, isDamaged } = inspectLog(`${path}-wal`);
  return frameCount > 0 || isDamaged;
}

function readFrames(
  file: number,
  size: number,
  pageBytes: number,
  salts: Buffer,
  isBig: boolean,
  start: [number, number],
): LogState {
  const frame = Buffer.alloc(frameHeaderBytes + pageBytes);
  let sums = start;
  let frameCount = 0;
  let firstPage: Buffer | undefined;
  let pending: Buffer | undefined;
  let isBroken = false;
  let isBrokenCommitted = false;
  for (let at = headerBytes, index = 1; at + frame.length <= size; at += frame.length, index += 1) {
    if (readSync(file, frame, 0, frame.length, at) < frame.length) break;
    const isOurs = frame.subarray(8, 16).equals(salts);
    const isCommit = frame.readUInt32BE(4) !== 0;
    if (!isBroken) {
      const next = checksum(frame.subarray(frameHeaderBytes), isBig, checksum(frame.subarray(0, 8), isBig, sums));
      if (isOurs && fits(next, frame, 16)) {
        sums = next;
        if (frame.readUInt32BE(0) === 1) pending = Buffer.from(frame.subarray(frameHeaderBytes));
        if (isCommit) {
          frameCount = index;
          firstPage = pending ?? firstPage;
        }
        continue;
      }
      isBroken = true;
    } else if (isOurs && isBrokenCommitted) return { frameCount, isDamaged: true, firstPage };
    // Each commit is synced before the next begins: a transaction behind a broken one says that it had been whole.
    if (isCommit) isBrokenCommitted = true;
  }
  return { frameCount, isDamaged: false, firstPage };
}
