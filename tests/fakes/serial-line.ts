import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { lstatSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { vi } from "vitest";

/** A serial line of socat: what is written here arrives at `path` as from a device. */
export interface SerialLine {
  /** Stays the same over a replug; below /dev, as the config wants it. */
  readonly path: string;
  write(bytes: string | Uint8Array): void;
  /** Kills socat: the line hangs up. */
  unplug(): Promise<void>;
  /** Starts socat again under the same name. */
  replug(): Promise<void>;
  close(): Promise<void>;
}

export async function openSerialLine(): Promise<SerialLine> {
  // The one place below /dev where everybody may write.
  const folder = mkdtempSync("/dev/shm/sortgate-tty-");
  const path = join(folder, "tty");
  const start = async (): Promise<ChildProcess> => {
    // A socat that was killed leaves its link behind.
    rmSync(path, { force: true });
    const started = spawn("socat", ["STDIO", `pty,raw,echo=0,link=${path}`], { stdio: ["pipe", "ignore", "ignore"] });
    started.stdin?.on("error", () => undefined);
    await vi.waitFor(() => {
      if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) throw new Error("no terminal yet");
    }, 10_000);
    return started;
  };
  let socat = await start();
  const unplug = async (): Promise<void> => {
    if (socat.exitCode !== null || socat.signalCode !== null) return;
    socat.kill("SIGKILL");
    await once(socat, "exit");
  };
  return {
    path,
    write: (bytes) => void socat.stdin?.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes),
    unplug,
    async replug() {
      socat = await start();
    },
    async close() {
      await unplug();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
