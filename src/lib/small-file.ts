import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";

/** Certificates, keys and passwords are a few thousand bytes; bundles of all public authorities a few hundred thousand. */
const bytesMax = 4_194_304;

/** The code of an error about a pipe, a device or a folder. */
export const notRegular = "not a regular file";

function refused(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/**
 * Opens a file to read it.
 *
 * Fails:  as the system does, and with the code `not a regular file` for what is none: opening a pipe would wait for its
 *         other end for ever, and hold the end of the process up too; and a device may have no end.
 */
export async function openRegular(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw refused(notRegular);
}

const byteOrderMark = Buffer.from("\uFEFF");

/** Bytes without the byte order mark that some editors write before a text; none of our binary files begins so. */
export function withoutMark(bytes: Buffer): Buffer {
  return bytes.subarray(0, byteOrderMark.length).equals(byteOrderMark) ? bytes.subarray(byteOrderMark.length) : bytes;
}

/**
 * Reads a file that a person named: a certificate, a key, a password. A byte order mark is left out.
 *
 * Fails:  as `openRegular`, and with an error whose `code` says so for what is too large.
 */
export async function readSmallFile(path: string): Promise<Buffer> {
  const file = await openRegular(path);
  try {
    if ((await file.stat()).size > bytesMax) throw refused("too large");
    return withoutMark(await file.readFile());
  } finally {
    await file.close();
  }
}
