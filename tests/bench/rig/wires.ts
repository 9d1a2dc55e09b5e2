import { spawn } from "node:child_process";
import { existsSync, readlinkSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { openPseudoTerminal } from "../../../simulator/pseudo-terminal.ts";
import { scratch, stopped } from "./processes.ts";

/** A wire that a contender reads from. */
export interface Wire {
  /** What the contender is told to open: a path, or a port on loopback. */
  readonly address: string;
  /** Sends bytes; false if they were not taken, and are to be sent again later. */
  write(bytes: Uint8Array): boolean;
  close(): Promise<void>;
}

/** What may wait in this process for a reader that is slow. */
const waitingBytesMax = 262_144;

export async function openSerialWire(): Promise<Wire> {
  const terminal = await openPseudoTerminal();
  return { address: terminal.path, write: terminal.write, close: terminal.close };
}

/**
 * A pseudo-terminal that takes no more than its reader reads, but for what pipes hold: `script`, behind the usual one,
 * keeps all that it is given.
 */
export async function openTightSerialWire(): Promise<Wire> {
  const path = join(scratch("wire"), "tty");
  const child = spawn("socat", ["-u", "-b", "65536", "STDIN", `PTY,raw,echo=0,link=${path}`], {
    stdio: ["pipe", "ignore", "inherit"],
  });
  child.stdin.on("error", () => {});
  while (!existsSync(path) && child.exitCode === null) await pause(5);
  return {
    address: readlinkSync(path),
    write(bytes) {
      if (child.stdin.writableLength > waitingBytesMax || !child.stdin.writable) return false;
      child.stdin.write(bytes);
      return true;
    },
    close: () => stopped(child),
  };
}

/** A scanner that is called by the contender: a server on loopback with one client at a time. */
export function openTcpWire(): Promise<Wire> {
  return new Promise((resolve, reject) => {
    let write: (bytes: Uint8Array) => boolean = () => false;
    let end = (): void => {};
    const server = createServer({ noDelay: true }, (socket) => {
      socket.on("error", () => {});
      socket.resume();
      write = (bytes) => {
        if (socket.destroyed || socket.writableLength > waitingBytesMax) return false;
        socket.write(bytes);
        return true;
      };
      end = () => socket.destroy();
    });
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve({
        address: String(typeof address === "object" ? address?.port : ""),
        write: (bytes) => write(bytes),
        close: () =>
          new Promise((done) => {
            end();
            server.close(() => done());
          }),
      });
    });
  });
}
