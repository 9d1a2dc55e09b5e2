import { open, stat } from "node:fs/promises";

/** Certificates, keys and passwords are a few thousand bytes; bundles of all public authorities a few hundred thousand. */
const bytesMax = 4_194_304;

function refused(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/**
 * Reads a file that a person named: a certificate, a key, a password.
 *
 * Fails:  with an error whose `code` says why in a word or two, also for what is no regular file: opening a pipe would
 *         wait for its other end for ever, and a device may have no end.
 */
export async function readSmallFile(path: string): Promise<Buffer> {
  const facts = await stat(path);
  if (!facts.isFile()) throw refused("not a regular file");
  if (facts.size > bytesMax) throw refused("too large");
  const file = await open(path, "r");
  try {
    return await file.readFile();
  } finally {
    await file.close();
  }
}
