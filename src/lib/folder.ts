import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a folder, and those above it that are missing.
 *
 * Node's own recursive `mkdir` never returns where the system says ENOENT although the folder above is there, as in
 * `/proc` (seen with Node 20.20), and it says ENOENT of a disk that is mounted read-only. This one says what mkdir(2) says.
 *
 * Fails:  with the error of the first folder that could not be made.
 */
export function makeFolder(path: string, mode: number): void {
  if (isFolder(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeFolder(parent, mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!isFolder(path)) throw error;
  }
}

/** The nearest folder above a path, or at it, that is there. */
export function nearestFolder(path: string): string {
  return isFolder(path) || dirname(path) === path ? path : nearestFolder(dirname(path));
}

function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch {
    // What is in the way, or may not be looked at, is told by mkdir.
    return false;
  }
}
