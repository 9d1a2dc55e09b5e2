import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { ClientOrder } from "./opcua-client.ts";
import type { SourceOrder, SourceResult } from "./opcua-source.ts";
import { scratch, startBroker, stopped, toldBy, usageOf } from "./processes.ts";
import { frameCount, watchedSortgate } from "./status.ts";

/** A server in a process of its own. */
export interface Source {
  readonly endpoint: string;
  /** Tells as many reads as are due in this time, however long that takes. */
  feed(seconds: number): Promise<SourceResult>;
  close(): Promise<void>;
}

export async function openSource(order: Omit<SourceOrder, "stateDir">): Promise<Source> {
  const program = fileURLToPath(new URL("./opcua-source.js", import.meta.url));
  const child: ChildProcess = spawn(
    process.execPath,
    [program, JSON.stringify({ ...order, stateDir: scratch("opcua") } satisfies SourceOrder)],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  const told = toldBy(child);
  return {
    endpoint: await told<string>("endpoint"),
    feed(seconds) {
      child.stdin!.write(`${seconds}\n`);
      return told<SourceResult>("result");
    },
    close: () => stopped(child),
  };
}

/** How the gateway asks a server for its events. */
export interface Asked {
  readonly publishingMs: number;
  readonly queueSize: number;
}

export function opcuaDevice(endpoint: string, { publishingMs, queueSize }: Asked): string {
  return [
    '[[device]]\nname = "camera-1"\nread_point = "tunnel-1"\ndriver = "opcua"\nsecurity = "none"',
    `endpoint = "${endpoint}"`,
    `publishing_interval_ms = ${publishingMs}`,
    `queue_size = ${queueSize}`,
  ].join("\n");
}

/** What came of the reads that a server told. */
export interface Delivered extends SourceResult {
  /** Reads that came in. */
  readonly delivered: number;
  /** Processor microseconds of whoever took them, for each that came in. */
  readonly cpuMicros: number;
  /** Whether the gateway said that the server keeps less for it than it asked for; a bare client says nothing. */
  readonly isWarned: boolean;
}

/** Somebody who reads from a server, and knows how much has come. */
interface Reading {
  readonly child: ChildProcess;
  count(): Promise<number>;
  isWarned(): boolean;
  close(): Promise<void>;
}

type StartReading = (endpoint: string, asked: Asked) => Promise<Reading>;

/** The product, which counts what came in: most reads end in no event. */
export const byGateway: StartReading = async (endpoint, asked) => {
  const broker = await startBroker();
  let isWarned = false;
  const product = watchedSortgate({
    devices: [opcuaDevice(endpoint, asked)],
    onLine(line) {
      isWarned ||= line.includes('"device/warning"') && line.includes('"granted"');
    },
  });
  const child = await product.contender.start({ brokerPort: broker.port, wires: [], prefix: [] });
  return {
    child,
    count: async () => frameCount(await product.status()),
    isWarned: () => isWarned,
    async close() {
      await stopped(child);
      await stopped(broker.child);
    },
  };
};

/** The library alone, which does nothing with what comes. */
export const byBareClient: StartReading = async (endpoint, asked) => {
  const order: ClientOrder = { endpoint, stateDir: scratch("opcua-client"), ...asked };
  const program = fileURLToPath(new URL("./opcua-client.js", import.meta.url));
  const child = spawn(process.execPath, [program, JSON.stringify(order)], { stdio: ["pipe", "pipe", "inherit"] });
  const told = toldBy(child);
  await told("ready");
  return {
    child,
    count() {
      child.stdin.write("how many\n");
      return told<number>("read");
    },
    isWarned: () => false,
    close: () => stopped(child),
  };
};

/** Resolves to how much has come when all has, or nothing more does. */
async function settled(reading: Reading, wanted: number, publishingMs: number): Promise<number> {
  const quietMs = 2_000 + 2 * publishingMs;
  let count = await reading.count();
  for (let movedAt = performance.now(); count < wanted && performance.now() - movedAt < quietMs; ) {
    await pause(200);
    const now = await reading.count();
    if (now !== count) movedAt = performance.now();
    count = now;
  }
  return count;
}

/** Feeds one reader from one server; a second of it comes before, in which a client learns the server's types. */
export async function throughOpcua(
  start: StartReading,
  order: Omit<SourceOrder, "stateDir">,
  asked: Asked,
  seconds: number,
): Promise<Delivered> {
  const source = await openSource(order);
  let reading: Reading | undefined;
  try {
    reading = await start(source.endpoint, asked);
    const before = await settled(reading, (await source.feed(1)).reads, asked.publishingMs);
    const { cpuSeconds } = usageOf(reading.child.pid!);
    const told = await source.feed(seconds);
    const delivered = (await settled(reading, before + told.reads, asked.publishingMs)) - before;
    const cpuMicros = ((usageOf(reading.child.pid!).cpuSeconds - cpuSeconds) * 1e6) / delivered;
    return { ...told, delivered, cpuMicros, isWarned: reading.isWarned() };
  } finally {
    await reading?.close();
    await source.close();
  }
}
