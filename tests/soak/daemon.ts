import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createWriteStream, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { optionsOfFirstLine } from "../first-line.ts";

const main = fileURLToPath(new URL("../../sortgate.js", import.meta.url));

/** What the system says of the process. */
export interface Sample {
  readonly atMs: number;
  readonly rssMegabytes: number;
  readonly handleCount: number;
  readonly walMegabytes: number;
}

/** The built daemon, ended and started as often as it takes. */
export interface SoakDaemon {
  readonly dir: string;
  start(): Promise<void>;
  end(signal: NodeJS.Signals): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  sample(): Sample | undefined;
  /** Runs a command of the program against it; gives stdout. */
  command(...args: readonly string[]): Promise<string>;
  remove(): void;
}

export function createSoakDaemon(devices: { serialPath: string; tcpPort: number }, brokerPort: number): SoakDaemon {
  const dir = mkdtempSync(join(tmpdir(), "sortgate-soak-"));
  const config = join(dir, "sortgate.toml");
  writeFileSync(
    config,
    `
[gateway]
site = "SOAK"
id = "line-1"
data_dir = "${join(dir, "data")}"
[[broker]]
name = "central"
url = "mqtt://127.0.0.1:${brokerPort}"
protocol = 4
[[read_point]]
name = "tunnel-1"
[[device]]
name = "scanner-1"
read_point = "tunnel-1"
driver = "serial"
path = "${devices.serialPath}"
profile = "line-barcode"
[[device]]
name = "scanner-2"
read_point = "tunnel-1"
driver = "tcp"
host = "127.0.0.1"
port = ${devices.tcpPort}
profile = "line-barcode"
[guard]
carriers = ["sf"]
[control]
socket = "${join(dir, "control.sock")}"
`,
  );
  let child: ChildProcess | undefined;
  return {
    dir,
    async start() {
      const log = createWriteStream(join(dir, "daemon.log"), { flags: "a" });
      const started = spawn(process.execPath, [...optionsOfFirstLine(main), main, "run", "--config", config], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      child = started;
      await new Promise<void>((resolve, reject) => {
        started.stdout.on("data", (bytes: Buffer) => {
          log.write(bytes);
          if (bytes.includes("gateway/ready")) resolve();
        });
        started.once("exit", (code) => reject(new Error(`the daemon ended with ${code} before it was ready`)));
      });
    },
    async end(signal) {
      const ending = child;
      if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
      const gone = new Promise<void>((resolve) => ending.once("exit", () => resolve()));
      ending.kill(signal);
      await gone;
    },
    signal: (signal) => void child?.kill(signal),
    sample() {
      try {
        const proc = `/proc/${child?.pid}`;
        const rss = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`${proc}/status`, "latin1"))?.[1];
        const wal = statSync(join(dir, "data/ledger.db-wal"), { throwIfNoEntry: false })?.size ?? 0;
        return {
          atMs: performance.now(),
          rssMegabytes: Number(rss) / 1_024,
          handleCount: readdirSync(`${proc}/fd`).length,
          walMegabytes: wal / 2 ** 20,
        };
      } catch {
        return undefined;
      }
    },
    async command(...args) {
      for (let attempt = 1; ; attempt += 1)
        try {
          const options = { maxBuffer: 2 ** 31, timeout: 600_000 };
          return (await promisify(execFile)(process.execPath, [main, ...args, "--config", config], options)).stdout;
        } catch (error) {
          const { code, stdout } = error as { code?: number; stdout?: string };
          // 1 says that a problem was found, which the caller may want to read; 3 that the daemon is still starting.
          if (code === 1 && stdout !== undefined && stdout !== "") return stdout;
          if (attempt === 5) throw error;
          await pause(1_000);
        }
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}
