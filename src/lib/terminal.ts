import { readlink, stat } from "node:fs/promises";

/**
 * Whether at a path there stands a terminal, as each serial port is one. It is not opened.
 *
 * Gives:  true also for a device of which /sys says nothing: a pseudo-terminal, or any where there is no /sys.
 * Fails:  as stat(2) does.
 */
export async function isTerminal(path: string): Promise<boolean> {
  const facts = await stat(path);
  if (!facts.isCharacterDevice()) return false;
  const { rdev } = facts;
  const major = (rdev >> 8) & 0xfff;
  const minor = (rdev & 0xff) | ((rdev >> 12) & 0xfff00);
  const place = await readlink(`/sys/dev/char/${major}:${minor}`).catch(() => "/tty/");
  return place.includes("/tty/");
}
