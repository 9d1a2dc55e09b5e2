import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import type { Server } from "node:http";
import { connect } from "node:net";
import { dirname } from "node:path";
import { makeFolder } from "../../lib/folder.ts";
import { SortgateError, systemCode } from "../../model/error.ts";
import { limits } from "../../model/limits.ts";
import { createBoundedServer, listen, type Serve } from "./http-server.ts";

/** Owner and group may talk to the daemon, nobody else. */
const socketMode = 0o660;
const folderMode = 0o750;

/** Whether somebody answers at a socket, or the system's reason why not. */
function answering(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const settle = (result: string): void => {
      socket.destroy();
      resolve(result);
    };
    // A daemon whose queue of connections is full does not answer, but it lives.
    socket.setTimeout(limits.healthDeadlineMs, () => settle("answers"));
    socket.once("connect", () => settle("answers"));
    socket.once("error", (error) => settle(systemCode(error)));
  });
}

function unusable(path: string, reason: string, hint: string, cause?: unknown): SortgateError {
  return new SortgateError("control/unusable", `Cannot open the control socket ${path}: ${reason}`, { hint, cause });
}

/** Makes room for the socket: makes its directory, and removes what a daemon that died has left. */
async function clearPath(path: string): Promise<void> {
  try {
    makeFolder(dirname(path), folderMode);
  } catch (error) {
    throw unusable(
      path,
      `its directory cannot be made (${systemCode(error)})`,
      `RuntimeDirectory=sortgate in the unit, or another path as socket under [control]`,
      error,
    );
  }
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket())
    throw unusable(path, "there is something that is not a socket", `ls -l ${path}, and move it away`);
  const result = await answering(path);
  if (result === "answers")
    throw unusable(path, "another daemon answers there", "sortgate status, or stop it: systemctl stop sortgate");
  if (result === "ENOENT") return;
  if (result !== "ECONNREFUSED")
    throw unusable(
      path,
      `an old one cannot be looked at (${result})`,
      `ls -l ${path}, and run the daemon as its owner`,
    );
  unlinkSync(path);
}

/**
 * Opens the control socket.
 *
 * Fails:  `control/unusable` with what is in the way.
 */
export async function openUnixListener(path: string, serve: Serve): Promise<Server> {
  const server = createBoundedServer(serve);
  try {
    await clearPath(path);
    await listen(server, { path });
    chmodSync(path, socketMode);
  } catch (error) {
    server.close();
    if (error instanceof SortgateError) throw error;
    throw unusable(
      path,
      `the system refuses it (${systemCode(error)})`,
      `ls -ld ${dirname(path)}, and check that the daemon may write there`,
      error,
    );
  }
  return server;
}
