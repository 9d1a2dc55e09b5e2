import { statfs } from "node:fs/promises";

/** Bytes of a folder's disk that an ordinary user may still take; undefined where it cannot be told. */
export async function freeBytesOf(folder: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    // What is wrong with the disk is told by whoever writes to it.
    return undefined;
  }
}
