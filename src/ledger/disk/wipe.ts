import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import type { Pages } from "./pages.ts";

const headerBytes = 32;
const frameHeaderBytes = 24;
/** What is overwritten between two pieces of other work. */
const partBytes = 1_048_576;
const zeros = Buffer.alloc(partBytes);

/** Overwrites a file from `from` up to `to`, where it does not hold zeros already. Cost: a read where it does. */
function overwrite(file: number, from: number, to: number): void {
  const held = Buffer.allocUnsafe(partBytes);
  for (let at = from; at < to; ) {
    const length = readSync(file, held, 0, Math.min(partBytes, to - at), at);
    if (length === 0) return;
    if (!held.subarray(0, length).equals(zeros.subarray(0, length))) writeSync(file, zeros, 0, length, at);
    at += length;
  }
}

/**
 * Overwrites what stands in the write-ahead log behind its last frame, in parts; each `next` is one of them.
 *
 * What was destroyed stands in older frames, whatever SQLite overwrites in its pages. So the log is folded and begun
 * anew first: frames behind the new ones belong to an older log, which no recovery looks at (SQLite file format §4.2),
 * and a crash in the middle of this leaves nothing that anybody reads. The log keeps its place on the disk.
 */
function* wipeParts({ path, bytesMax, pages }: WipedLog): Generator<void, void> {
  const end = (): number => headerBytes + pages.logFrames() * (frameHeaderBytes + pages.pageBytes);
  const file = openSync(`${path}-wal`, "r+");
  try {
    if (fstatSync(file).size > bytesMax && end() <= bytesMax) ftruncateSync(file, bytesMax);
    const { size } = fstatSync(file);
    for (let at = end(); at < size; at += partBytes) {
      overwrite(file, Math.max(at, end()), Math.min(size, at + partBytes));
      fsyncSync(file);
      yield;
    }
  } finally {
    closeSync(file);
  }
}

/** What the wipe needs of the database. */
export interface WipedLog {
  readonly path: string;
  /** The log keeps this size. */
  readonly bytesMax: number;
  readonly pages: Pick<Pages, "fold" | "logFrames" | "pageBytes" | "write">;
  /** Changes one page of the file, and leaves it as it was. */
  readonly touch: () => void;
}

/** "later": the log cannot be folded as a whole now. */
export type WipeStep = "more" | "done" | "later";

/** Whether the log holds what is destroyed; at first it may, for an end that was none of ours leaves what it held. */
export interface Wipe {
  needed(): void;
  isNeeded(): boolean;
  /** One part of the work, if any is needed. */
  step(): WipeStep;
}

export function createWipe(log: WipedLog): Wipe {
  const { pages, touch } = log;
  let isNeeded = true;
  let parts: Generator<void, void> | undefined;

  /** A commit behind a whole fold begins the log anew, and is all that stands in it then. */
  function isRestarted(): boolean {
    if (!pages.fold()) return false;
    const before = pages.logFrames();
    return pages.write(touch, 0, true) === "stored" && pages.logFrames() <= Math.max(before, 1);
  }

  return {
    needed() {
      isNeeded = true;
    },
    isNeeded: () => isNeeded || parts !== undefined,
    step() {
      if (parts === undefined) {
        if (!isNeeded) return "done";
        if (!isRestarted()) return "later";
        isNeeded = false;
        parts = wipeParts(log);
        return "more";
      }
      if (parts.next().done === true) parts = undefined;
      return parts !== undefined || isNeeded ? "more" : "done";
    },
  };
}

/** Overwrites a log that no database has open. */
export function wipeClosedLog(log: string): void {
  const file = openSync(log, "r+");
  try {
    // Header first: without it the frames behind it are none.
    overwrite(file, 0, headerBytes);
    fsyncSync(file);
    overwrite(file, headerBytes, fstatSync(file).size);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
