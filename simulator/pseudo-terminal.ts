import { type ChildProcess, spawn } from "node:child_process";

/** A serial line without a cable: what is written here is received by whoever opens `path`. */
export interface PseudoTerminal {
  /** The side that a program opens as its serial port. */
  readonly path: string;
  /** Sends bytes; false if these were not taken: the line is closed, or far behind. */
  write(bytes: Uint8Array): boolean;
  close(): Promise<void>;
}

/** As much as a pipe holds; more is waiting only if the other process stands still. */
const waitingBytesMax = 65_536;

const startTimeoutMs = 5_000;

/** Raw, so that every byte arrives as it was sent; then it tells its path and sleeps until the line is closed. */
const session = "stty raw -echo; tty; exec sleep infinity";

/**
 * Opens a pseudo-terminal with the `script` and `setpriv` commands that every Debian has, so without native code.
 *
 * What nobody reads yet is kept by `script`, without a bound, and comes at once when somebody opens the path: about a
 * megabyte an hour for a belt of four parcels a second.
 *
 * The kernel ends `script` together with the thread that started it, and then the terminal hangs up on the rest.
 *
 * Fails:  with a plain error if either command is missing or does not answer within five seconds.
 */
export async function openPseudoTerminal(): Promise<PseudoTerminal> {
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "script", "-qfec", session, "/dev/null"], {
    stdio: ["pipe", "pipe", "ignore"],
    // Ctrl-C is for the program that shows the line, which then closes it in its own order.
    detached: true,
  });
  const exited = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  // A line that is closed while bytes wait for it has nobody to tell that to.
  child.stdin.on("error", () => {});
  const path = await firstLine(child).catch((error: unknown) => {
    child.kill("SIGKILL");
    throw error;
  });
  return {
    path,
    write(bytes) {
      if (child.stdin.writableLength + bytes.length > waitingBytesMax || !child.stdin.writable) return false;
      child.stdin.write(bytes);
      return true;
    },
    async close() {
      child.kill("SIGKILL");
      child.stdin.destroy();
      child.stdout.destroy();
      await exited;
    },
  };
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: unknown): void => {
      clearTimeout(timer);
      reject(new Error(`Cannot make a pseudo-terminal with setpriv and script: ${why}`, { cause }));
    };
    const timer = setTimeout(() => fail("no answer"), startTimeoutMs);
    let text = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      const path = /^(\/dev\/\S+)\r?\n/.exec(text)?.[1];
      if (path === undefined) return;
      clearTimeout(timer);
      resolve(path);
    });
    child.once("error", (error) => fail("one of them cannot be started", error));
    child.once("exit", (code) => fail(`ended with ${code}`));
  });
}
