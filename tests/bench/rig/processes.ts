import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { LoadOrder, LoadPlace, LoadResult } from "./load.ts";

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** A directory that is gone at the end of the program. */
export function scratch(name: string): string {
  const path = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), `sortgate-bench-${name}-`));
  process.once("exit", () => rmSync(path, { recursive: true, force: true }));
  return path;
}

export async function listening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const isUp = await new Promise<boolean>((resolve) => {
      const socket = connect({ port, host: "127.0.0.1" });
      socket.once("connect", () => {
        socket.destroy();
        resolve(true);
      });
      socket.once("error", () => resolve(false));
    });
    if (isUp) return;
    await pause(25);
  }
  throw new Error(`nothing listens on port ${port}`);
}

export async function stopped(child: ChildProcess, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill(signal);
  const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await gone;
  clearTimeout(late);
}

/** What /proc says, or nothing: threads and processes may end while somebody looks. */
export function ifThere<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    (ifThere(() => readFileSync(`/proc/${pid}/task/${task}/children`, "latin1")) ?? "")
      .split(" ")
      .filter(Boolean)
      .map(Number),
  );
}

/** A tracer blocks SIGTERM: what it traces is told to stop, and it ends with that. */
async function stoppedWith(child: ChildProcess, prefix: readonly string[]): Promise<void> {
  if (prefix[0] !== "strace" || child.exitCode !== null) return stopped(child);
  for (const pid of childrenOf(child.pid!)) process.kill(pid, "SIGTERM");
  await new Promise<void>((resolve) => child.once("exit", () => resolve()));
}

/** A mosquitto that refuses nothing and forgets everything; at the port of an earlier one, or at any. */
export async function startBroker(earlier?: number): Promise<{ port: number; child: ChildProcess }> {
  const port = earlier ?? (await freePort());
  const path = join(scratch("broker"), "mosquitto.conf");
  writeFileSync(
    path,
    [
      `listener ${port} 127.0.0.1`,
      "allow_anonymous true",
      "persistence false",
      "max_queued_messages 0",
      "max_inflight_messages 0",
      "log_type error",
      "set_tcp_nodelay true",
      process.getuid?.() === 0 ? "user root" : "",
    ].join("\n"),
  );
  const child = spawn("mosquitto", ["-c", path], { stdio: ["ignore", "ignore", "inherit"] });
  await listening(port);
  return { port, child };
}

/** What a process and its children have taken so far, and the largest resident set of one of them. */
export interface Usage {
  readonly cpuSeconds: number;
  readonly rssMegabytes: number;
  /** Whole pages, once for each time that they became dirty: nothing where files live in memory. */
  readonly writtenBytes: number;
}

/** Source: proc(5), `stat` and `io`. */
export function usageOf(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  let ticks = Number(fields[11]) + Number(fields[12]);
  let rss = Number(fields[21]) * 4_096;
  let writtenBytes = Number(/^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, "latin1"))?.[1]);
  for (const child of childrenOf(pid)) {
    const below = ifThere(() => usageOf(child));
    if (below === undefined) continue;
    ticks += below.cpuSeconds * 100;
    writtenBytes += below.writtenBytes;
    rss = Math.max(rss, below.rssMegabytes * 2 ** 20);
  }
  return { cpuSeconds: ticks / 100, rssMegabytes: rss / 2 ** 20, writtenBytes };
}

/** What a contender is connected to. */
export interface Wired {
  readonly brokerPort: number;
  readonly wires: readonly { readonly kind: "serial" | "tcp"; readonly address: string }[];
  /** Stands in front of the command: a tracer that slows the disk. */
  readonly prefix: readonly string[];
}

/** Something that reads parcels from wires and publishes an event of each. */
export interface Contender {
  readonly name: string;
  /** Starts it; resolves when it reads from all wires and is connected to the broker. */
  start(place: Wired): Promise<ChildProcess>;
}

/** A fresh mosquitto; or the one within the load, which is the subscriber as well. */
export type BrokerKind = "mosquitto" | "null";

export interface Measured extends LoadResult {
  /** Processor microseconds of the contender per event, of the broker too, and of the load (wires, subscriber, null broker). */
  readonly cpuMicros: number;
  readonly brokerMicros: number;
  readonly loadMicros: number;
  readonly rssMegabytes: number;
  /** The most that was seen of it during the measured stretch. */
  readonly rssMegabytesPeak: number;
  /** Bytes that the contender made the disk write, per event. */
  readonly writtenBytes: number;
}

/** Messages of a load, one JSON object a line, each asked for by its member. */
export function toldBy(load: ChildProcess): <T>(name: string) => Promise<T> {
  const lines = createInterface({ input: load.stdout! })[Symbol.asyncIterator]();
  return async <T>(name: string): Promise<T> => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`the load ended before it told "${name}"`);
      const message = JSON.parse(value as string) as Record<string, T>;
      if (message[name] !== undefined) return message[name];
    }
  };
}

/** One run of one contender against a fresh mosquitto, or against the null broker within the load. */
export async function measure(
  contender: Contender,
  order: Omit<LoadOrder, "brokerPort">,
  prefix: readonly string[] = [],
  brokerKind: BrokerKind = "mosquitto",
): Promise<Measured> {
  const broker = brokerKind === "mosquitto" ? await startBroker() : undefined;
  const program = fileURLToPath(new URL("./load.js", import.meta.url));
  const load = spawn(process.execPath, [program, JSON.stringify({ ...order, brokerPort: broker?.port })], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const told = toldBy(load);
  let child: ChildProcess | undefined;
  let rssMegabytesPeak = 0;
  let watch: NodeJS.Timeout | undefined;
  try {
    const { addresses, brokerPort = broker?.port ?? 0 } = await told<LoadPlace>("place");
    const wires = order.wires.map((kind, index) => ({ kind, address: addresses[index]! }));
    child = await contender.start({ brokerPort, wires, prefix });
    const pids = [child.pid!, load.pid!, ...(broker === undefined ? [] : [broker.child.pid!])];
    load.stdin.write("start\n");
    await told("measuring");
    watch = setInterval(() => {
      rssMegabytesPeak = Math.max(rssMegabytesPeak, usageOf(pids[0]!).rssMegabytes);
    }, 500);
    const before = pids.map((pid) => usageOf(pid));
    await told("measured");
    const after = pids.map((pid) => usageOf(pid));
    const result = await told<LoadResult>("result");
    const events = Math.max(1, result.received);
    const [cpuMicros, loadMicros, brokerMicros = 0] = after.map(
      ({ cpuSeconds }, index) => ((cpuSeconds - before[index]!.cpuSeconds) * 1e6) / events,
    );
    return {
      ...result,
      cpuMicros: cpuMicros!,
      brokerMicros,
      loadMicros: loadMicros!,
      rssMegabytes: after[0]!.rssMegabytes,
      rssMegabytesPeak: Math.max(rssMegabytesPeak, after[0]!.rssMegabytes),
      writtenBytes: (after[0]!.writtenBytes - before[0]!.writtenBytes) / events,
    };
  } finally {
    clearInterval(watch);
    if (child !== undefined) await stoppedWith(child, prefix);
    await stopped(load);
    if (broker !== undefined) await stopped(broker.child);
  }
}
