import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { SourceOrder, SourceResult } from "./opcua-source.ts";
import { scratch, startBroker, stopped, toldBy } from "./processes.ts";
import { frameCount, watchedSortgate } from "./status.ts";

/** A server in a process of its own. */
export interface Source {
  readonly endpoint: string;
  /** Tells as many reads as were ordered. */
  feed(): Promise<SourceResult>;
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
    feed() {
      child.stdin!.write("feed\n");
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
  /** Reads that the gateway counted. */
  readonly delivered: number;
  /** Whether the gateway said that the server keeps less for it than it asked for. */
  readonly isWarned: boolean;
}

/** Feeds the gateway from one server until nothing more comes of it. */
export async function throughOpcua(order: Omit<SourceOrder, "stateDir">, asked: Asked): Promise<Delivered> {
  const broker = await startBroker();
  const source = await openSource(order);
  let isWarned = false;
  const product = watchedSortgate({
    devices: [opcuaDevice(source.endpoint, asked)],
    onLine(line) {
      isWarned ||= line.includes('"device/warning"') && line.includes('"granted"');
    },
  });
  let child: ChildProcess | undefined;
  try {
    child = await product.contender.start({ brokerPort: broker.port, wires: [], prefix: [] });
    const told = await source.feed();
    const quietMs = 2_000 + 2 * asked.publishingMs;
    let delivered = frameCount(await product.status());
    for (let movedAt = performance.now(); delivered < told.reads && performance.now() - movedAt < quietMs; ) {
      await pause(200);
      const now = frameCount(await product.status());
      if (now !== delivered) movedAt = performance.now();
      delivered = now;
    }
    return { ...told, delivered, isWarned };
  } finally {
    if (child !== undefined) await stopped(child);
    await source.close();
    await stopped(broker.child);
  }
}
