import { chmod, chown, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { makeFolder, nearestFolder } from "../lib/folder.ts";
import { notRegular, openRegular } from "../lib/small-file.ts";
import { SortgateError, systemCode } from "../model/error.ts";

/** The device key, PKCS #8 PEM. */
export const keyName = "device.key";
/** The device's certificate, then those that lead to its authority, PEM. */
export const certificateName = "device.crt";

/** A key or a chain of certificates is far smaller. */
const fileBytesMax = 65_536;

/** Where the identity lies. */
export function folderOf(dataDir: string): string {
  return join(dataDir, "identity");
}

/** How to give up a device key. What the folder remembers of policies and orders must outlive it. */
export function newIdentityHint(folder: string): string {
  return `move device.key and device*.crt in ${folder} aside, and the next start makes a new identity; leave policy.json and order.json there, or policies and orders of before are taken again`;
}

/**
 * Whether an identity was made here before: a key or a certificate is there.
 *
 * An empty folder, as an installer leaves it, is none; nor is what remembers policies and orders.
 */
export async function isMade(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).some((name) => name.startsWith("device"));
  } catch (cause) {
    if (systemCode(cause) === "ENOENT") return false;
    throw unreadable(folder, cause);
  }
}

/** Text of a small private file. */
export async function readPrivate(path: string): Promise<string> {
  try {
    const file = await openRegular(path);
    try {
      const { size, mode } = await file.stat();
      requirePrivate(path, mode, "600");
      if (size > fileBytesMax) {
        throw new SortgateError("identity/unreadable", `${path} is too large to be a key or a certificate`, {
          hint: "put the file back from a backup",
        });
      }
      return await file.readFile("latin1");
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw cause instanceof SortgateError ? cause : unreadable(path, cause);
  }
}

/** Refuses a folder that others may look into. */
export async function requirePrivateFolder(folder: string): Promise<void> {
  requirePrivate(folder, (await stat(folder)).mode, "700");
}

function requirePrivate(path: string, mode: number, wanted: string): void {
  if ((mode & 0o077) === 0) return;
  throw new SortgateError(
    "identity/unreadable",
    `${path} is open to other users (mode ${(mode & 0o777).toString(8)}, allowed ${wanted})`,
    { hint: closeHint(path, mode, wanted), context: { path } },
  );
}

function closeHint(path: string, mode: number, wanted: string): string {
  const close = `chmod ${wanted} ${path}`;
  if (basename(path) === keyName) return `${close}; if others could read the key, ${newIdentityHint(dirname(path))}`;
  return (mode & 0o022) === 0 ? close : `${close}; others could change it, so compare it with a backup`;
}

/**
 * Makes the folder with all its files, or nothing of it: a crash leaves no half of an identity.
 *
 * Takes: names and texts. What else lies in the folder stays; then a crash may leave one file of several there, which
 *        the next start refuses.
 */
export async function writeFolder(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  const draft = join(dirname(folder), ".identity.new");
  try {
    makeFolder(dirname(folder), 0o750);
    // What a crash left behind is a key that nothing was ever signed with.
    await rm(draft, { recursive: true, force: true });
    await mkdir(draft, { mode: 0o700 });
    await chmod(draft, 0o700);
    for (const [name, text] of Object.entries(files)) await writeSynced(join(draft, name), text);
    await giveToOwner(draft, dirname(folder));
    await syncFolder(draft);
    await putInPlace(draft, folder, Object.keys(files));
    await syncFolder(dirname(folder));
  } catch (cause) {
    throw unwritable(folder, cause);
  }
}

async function putInPlace(draft: string, folder: string, names: readonly string[]): Promise<void> {
  try {
    await rename(draft, folder);
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST"].includes(systemCode(error))) throw error;
    for (const name of names) await rename(join(draft, name), join(folder, name));
    await syncFolder(folder);
    await rm(draft, { recursive: true });
  }
}

/** Replaces one file as a whole: whoever reads it sees the old text or the new one. */
export async function writePrivate(path: string, text: string): Promise<void> {
  const draft = `${path}.new`;
  try {
    await rm(draft, { force: true });
    await writeSynced(draft, text);
    await rename(draft, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.chmod(0o600);
    await file.writeFile(text, "latin1");
    await file.sync();
  } finally {
    await file.close();
  }
  await giveToOwner(path, dirname(path));
}

/** A command that root ran must not leave files which the daemon's own user cannot read. */
async function giveToOwner(path: string, folder: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await stat(folder);
  await chown(path, uid, gid);
  for (const name of (await stat(path)).isDirectory() ? await readdir(path) : [])
    await chown(join(path, name), uid, gid);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function unreadable(path: string, cause: unknown): SortgateError {
  const code = systemCode(cause);
  if (code === "ENOENT") {
    return new SortgateError("identity/unreadable", `${path} is missing`, {
      hint: `put it back from a backup; or ${newIdentityHint(dirname(path))}`,
      cause,
      context: { path },
    });
  }
  if (code === notRegular)
    return new SortgateError("identity/unreadable", `${path} is ${notRegular}`, {
      hint: `move away what stands there: ls -ld ${path}; and put the file back from a backup`,
      cause,
      context: { path },
    });
  return new SortgateError("identity/unreadable", `Cannot read ${path} (${code || "unknown error"})`, {
    hint: `give the user of sortgate the right to read it: ls -l ${path}`,
    cause,
    context: { path },
  });
}

function unwritable(path: string, cause: unknown): SortgateError {
  const code = systemCode(cause);
  const folder = nearestFolder(dirname(path));
  const hint =
    code === "EROFS"
      ? `that disk is mounted read-only: findmnt -T ${folder}; dmesg says why`
      : `look at rights and free space: ls -ld ${folder}; df -h ${folder}`;
  return new SortgateError("identity/unwritable", `Cannot write ${path} (${code || "unknown error"})`, {
    hint,
    cause,
    context: { path },
  });
}
