import { readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";

/** Name of the group that has this right at a path; empty: none but root's has. Undefined: nobody knows. */
function groupAt(path: string, right: number): string | undefined {
  try {
    const { gid, mode } = statSync(path);
    if (gid === 0 || (mode & right) === 0) return "";
    const lines = readFileSync("/etc/group", "utf8").split("\n");
    return lines.map((line) => line.split(":")).find(([, , id]) => id === String(gid))?.[0] ?? "";
  } catch {
    return undefined;
  }
}

/** What helps a user who may not open the control socket: to join its group, unless that is root's. */
export function rightsHint(socketPath: string): string {
  // A folder that may not be entered hides the socket in it: then it is the folder's group that counts.
  const group = groupAt(socketPath, 0o020) ?? groupAt(dirname(socketPath), 0o010) ?? "";
  return group === ""
    ? "run this command with sudo: sudo sortgate …"
    : `become a member of the group ${group}: sudo usermod -aG ${group} $USER, then log in again`;
}
