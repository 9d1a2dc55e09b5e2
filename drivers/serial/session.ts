import type { Stats } from "node:fs";
import { stat } from "node:fs/promises";
import type { SerialPort } from "serialport";
import type { DriverContext, EndReason, Session, SessionEnd } from "../../src/driver/port.ts";
import { pause } from "../../src/lib/clock.ts";
import { limits } from "../../src/model/limits.ts";

/** What identifies a device node: after a replug the same name leads to another one. */
type Node = Pick<Stats, "rdev" | "ino">;

/**
 * Runs an open port until it ends.
 *
 * serialport alone does not tell every unplug: after a hang-up while bytes arrive it may read nothing for ever
 * (serialport/bindings-cpp#162). So the node and the line behind it are looked at each second.
 *
 * Takes:   `holdsBack`: the line has flow control, so its device waits while nobody reads. Without, the kernel drops what it
 *          cannot keep and tells nobody, so such a port is always read.
 * Gives:   bytes as the port hands them out. While it is paused only the look at each second notices its end.
 * Fails:   never; whatever happens ends the session, once.
 */
export function createSerialSession(
  port: SerialPort,
  path: string,
  opened: Node,
  holdsBack: boolean,
  context: Pick<DriverContext, "receive" | "signal">,
): Session {
  let isEnding = false;
  let settle: (end: SessionEnd) => void;
  const ended = new Promise<SessionEnd>((resolve) => {
    settle = resolve;
  });

  const onData = (bytes: Uint8Array): void => {
    if (!isEnding) context.receive({ kind: "bytes", bytes });
  };
  const end = (reason: EndReason, sentence: string): void => {
    if (isEnding) return;
    isEnding = true;
    clearInterval(watch);
    context.signal.removeEventListener("abort", onAbort);
    // Told only once the port is free, so that the next attempt does not find it locked.
    void closePort(port).then(() => settle({ reason, sentence }));
  };
  const onAbort = (): void => end("closed", `${path} was closed on request`);
  const unplugged = (): void => end("unplugged", `${path} went away: the device was unplugged or switched off`);

  port.on("data", onData);
  port.on("error", () => end("error", `${path} reported an error and was closed`));
  port.on("close", (error: { disconnected?: boolean } | null) => {
    if (error?.disconnected === true) unplugged();
    else end("error", `${path} closed by itself`);
  });
  context.signal.addEventListener("abort", onAbort);
  let isLooking = false;
  const watch = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    void isThere(port, path, opened).then((isSo) => {
      isLooking = false;
      if (!isSo) unplugged();
    });
  }, limits.deviceWatchMs);

  return {
    ended,
    async close() {
      onAbort();
      await ended;
    },
    ...(holdsBack && { pause: () => void port.pause(), resume: () => void port.resume() }),
  };
}

/** Whether the name still leads to the node that was opened, and that node to a line. */
async function isThere(port: SerialPort, path: string, opened: Node): Promise<boolean> {
  const node = await stat(path).catch(() => undefined);
  return node !== undefined && node.rdev === opened.rdev && node.ino === opened.ino && (await isLineUp(port));
}

/** Asks the kernel for the line settings: a line that hung up answers with an I/O error, although its node is there. */
async function isLineUp(port: SerialPort): Promise<boolean> {
  const binding = port.port as { getBaudRate?(): Promise<unknown> } | undefined;
  try {
    await binding?.getBaudRate?.();
    return true;
  } catch (error) {
    return !(error instanceof Error && /Input\/output error|Bad file descriptor/.test(error.message));
  }
}

/** Closes the port, whatever state it is in; a driver in the kernel that hangs here is not waited for. */
async function closePort(port: SerialPort): Promise<void> {
  const waiting = new AbortController();
  const closing = new Promise<void>((resolve) => port.close(() => resolve()));
  await Promise.race([closing, pause(limits.deviceWatchMs, waiting.signal)]);
  waiting.abort();
}
