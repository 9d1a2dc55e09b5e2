import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { optionsOfFirstLine } from "../../first-line.ts";
import { type Contender, scratch, type Wired } from "./processes.ts";

/** Resolves when the program has said each of these as often as asked. */
export function said(
  child: ChildProcess,
  wanted: ReadonlyMap<string, number>,
  onLine: (line: string) => void = () => {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    const left = new Map(wanted);
    createInterface({ input: child.stdout! }).on("line", (line) => {
      onLine(line);
      for (const [text, count] of left)
        if (line.includes(text)) {
          if (count > 1) left.set(text, count - 1);
          else left.delete(text);
        }
      if (left.size === 0) resolve();
    });
    child.once("exit", (code) => reject(new Error(`the contender ended with ${code} before it was ready`)));
  });
}

function sortgateConfig(
  dataDir: string,
  socket: string,
  { brokerPort, wires }: Wired,
  further: readonly string[],
): string {
  const devices = wires.map(({ kind, address }, index) =>
    [
      "[[device]]",
      `name = "scanner-${index + 1}"`,
      'read_point = "tunnel-1"',
      `driver = "${kind}"`,
      ...(kind === "serial"
        ? [`path = "${address}"`, "baud_rate = 115200"]
        : ['host = "127.0.0.1"', `port = ${address}`]),
      'profile = "line-barcode"',
    ].join("\n"),
  );
  return [
    `[gateway]\nsite = "BENCH"\nid = "line-1"\ndata_dir = "${dataDir}"`,
    `[[broker]]\nname = "central"\nurl = "mqtt://127.0.0.1:${brokerPort}"`,
    '[[read_point]]\nname = "tunnel-1"\ndepart_ms = 500',
    ...devices,
    ...further,
    '[guard]\ncarriers = ["sf"]',
    `[control]\nsocket = "${socket}"`,
  ].join("\n\n");
}

/** The entry of the product, as built. */
export const built = fileURLToPath(new URL("../../../sortgate.js", import.meta.url));

export interface SortgateOptions {
  /** Where its ledger lies; absent for a new one. */
  readonly dataDir?: string;
  /** Resolves without a broker. */
  readonly isOffline?: boolean;
  /** Added to Node's own command line. */
  readonly nodeOptions?: readonly string[];
  /** Where it can be asked for its status; absent for a place of its own. */
  readonly controlSocket?: string;
  /** Devices beside those of the wires, each as its table of the config. */
  readonly devices?: readonly string[];
  /** Called with each line that it says. */
  readonly onLine?: (line: string) => void;
  /** The entry of another build of it. */
  readonly main?: string;
}

/** The product, as built. */
export function sortgate(options: SortgateOptions = {}): Contender {
  const { dataDir, isOffline, nodeOptions = [], controlSocket, devices = [], onLine, main = built } = options;
  return {
    name: "sortgate",
    async start(place) {
      const dir = scratch("sortgate");
      const config = join(dir, "sortgate.toml");
      const socket = controlSocket ?? join(dir, "control.sock");
      writeFileSync(config, sortgateConfig(dataDir ?? join(dir, "data"), socket, place, devices));
      const profile = process.env.BENCH_PROFILE?.split(" ") ?? [];
      const node = [
        process.execPath,
        ...optionsOfFirstLine(main),
        ...profile,
        ...nodeOptions,
        main,
        "run",
        "--config",
        config,
      ];
      const [command, ...rest] = [...place.prefix, ...node];
      const child = spawn(command!, rest, { stdio: ["ignore", "pipe", "inherit"] });
      const wanted = new Map([['"gateway/ready"', 1]]);
      const deviceCount = place.wires.length + devices.length;
      if (deviceCount > 0) wanted.set('"device/up"', deviceCount);
      if (isOffline !== true) wanted.set('"broker/up"', 1);
      await said(child, wanted, onLine);
      return child;
    },
  };
}

/** What somebody writes in an afternoon: durable, signed, one row at a time. */
export const afternoonScript: Contender = {
  name: "afternoon script",
  async start({ brokerPort, wires, prefix }) {
    const script = fileURLToPath(new URL("./afternoon-script.js", import.meta.url));
    const order = JSON.stringify({ database: join(scratch("script"), "queue.db"), brokerPort, wires });
    const [command, ...rest] = [...prefix, process.execPath, script, order];
    const child = spawn(command!, rest, { stdio: ["ignore", "pipe", "inherit"] });
    await said(child, new Map([["ready", 1]]));
    return child;
  },
};

/** The shell's way: no de-duplication, no signature, nothing on disk. Each wire has a publisher of its own. */
export const mosquittoPub: Contender = {
  name: "mosquitto_pub -l",
  async start({ brokerPort, wires, prefix }) {
    const readers = wires.map(({ kind, address }) => {
      const source = kind === "serial" ? `FILE:${address},b115200,raw,echo=0` : `TCP:127.0.0.1:${address}`;
      return `socat -u ${source} - | mosquitto_pub -l -q 1 -p ${brokerPort} -t bench/read/tunnel-1 &`;
    });
    const [command, ...rest] = [...prefix, "bash", "-c", `${readers.join("\n")} echo ready; wait`];
    // A group of its own, so that all of it can be stopped at once.
    const child = spawn(command!, rest, { stdio: ["ignore", "pipe", "inherit"], detached: true });
    child.once("exit", () => {
      try {
        process.kill(-child.pid!, "SIGKILL");
      } catch {
        // All of the group has ended by itself.
      }
    });
    await said(child, new Map([["ready", 1]]));
    return child;
  },
};
