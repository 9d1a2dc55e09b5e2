import { chmodSync, readdirSync, statSync } from "node:fs";
import type { Tell } from "./model/notice.ts";

/** Names of what the gateway keeps there. */
const ours = /^(?:ledger\.db|raw-probes\.|devices$|identity$|\.identity\.new$)/;

/** Whether others may look into a folder; if this user owns it, and it holds nothing but ours, they no longer may. */
function isOpen(path: string): boolean {
  const { mode, uid } = statSync(path);
  if ((mode & 0o077) === 0) return false;
  if (uid !== process.getuid?.() || !readdirSync(path).every((name) => ours.test(name))) return true;
  chmodSync(path, 0o700);
  return false;
}

/**
 * Closes data_dir to other users, where somebody made it beforehand with more rights.
 *
 * Fails:   never. A folder that others use too is left as it is, and told.
 */
export function closeDataDir(dataDir: string, tell: Tell): void {
  try {
    if (!isOpen(dataDir)) return;
  } catch {
    // Gone, or not to be changed: the ledger in it tells what matters.
    return;
  }
  tell({
    name: "gateway/warning",
    level: "warn",
    message: `${dataDir} is open to other users: they see which files lie there. Try: chmod 700 ${dataDir}, or, if others need it, a data_dir of its own for this gateway`,
  });
}
