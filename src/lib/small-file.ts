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

/**
 * Reads a file that a person named: a certificate, a key, a password.
 *
 * Fails:  as `openRegular`, and with an error whose `code` says so for what is too large.
 */
export async function readSmallFile(path: string): Promise<Buffer> {
  const file = await openRegular(path);
  try {
    if ((await file.stat()).size > bytesMax) throw refused("too large");
    return await file.readFile();
  } finally {
    await file.close();
  }
}
