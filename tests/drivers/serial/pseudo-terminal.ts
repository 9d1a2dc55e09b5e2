import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { lstatSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { SerialSettings } from "../../../drivers/serial/settings.ts";

/** A pseudo-terminal of socat: what is written to it arrives at `path` as from a device. */
export interface PseudoTerminal {
  readonly path: string;
  write(bytes: Uint8Array): void;
  /** Kills socat: the line hangs up. */
  unplug(): Promise<void>;
  /** Starts socat again under the same name. */
  replug(): Promise<void>;
  dispose(): Promise<void>;
}

/** Opens a pseudo-terminal; `source` is the other address of socat, by default what `write` is given. */
export async function openPseudoTerminal(source = "STDIO"): Promise<PseudoTerminal> {
  const folder = mkdtempSync(join(tmpdir(), "sortgate-tty-"));
  const path = join(folder, "tty");
  const start = async (): Promise<ChildProcess> => {
    // A socat that was killed leaves its link behind.
    rmSync(path, { force: true });
    const started = spawn("socat", [source, `pty,raw,echo=0,link=${path}`], { stdio: ["pipe", "ignore", "ignore"] });
    started.stdin?.on("error", () => undefined);
    const isThere = () => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink();
    await expect.poll(isThere, { timeout: 5_000 }).toBe(true);
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
    write: (bytes) => void socat.stdin?.write(bytes),
    unplug,
    async replug() {
      socat = await start();
    },
    async dispose() {
      await unplug();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function serialSettingsOf(path: string, more: Partial<SerialSettings> = {}): SerialSettings {
  return {
    name: "scanner-1",
    read_point: "tunnel-1",
    driver: "serial",
    path,
    baud_rate: 115_200,
    data_bits: 8,
    parity: "none",
    stop_bits: 1,
    flow_control: "none",
    profile: "line-barcode",
    ...more,
  };
}
