import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type SortgateOptions, sortgate } from "./contenders.ts";
import type { LoopDelay } from "./loop-probe.ts";
import { freePort, ifThere, type Measured, measure, scratch, startBroker, stopped, usageOf } from "./processes.ts";
import { openSerialWire, openTcpWire } from "./wires.ts";

/** Every fsync takes this much longer, as on a flash card; nothing else is traced. */
export function slowDisk(extraMs: number): string[] {
  const inject = `inject=fsync:delay_exit=${extraMs * 1_000}`;
  return ["strace", "-f", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fsync", "-e", inject];
}

/** A daemon with nothing to do, and a serial and a TCP scanner that say nothing: memory and processor time. */
export async function idle(
  seconds: number,
  options: SortgateOptions = {},
): Promise<{ rssMegabytes: number; cpuShare: number }> {
  const broker = await startBroker();
  const [serial, tcp] = [await openSerialWire(), await openTcpWire()];
  const wires = [
    { kind: "serial", address: serial.address },
    { kind: "tcp", address: tcp.address },
  ] as const;
  const child = await sortgate(options).start({ brokerPort: broker.port, wires, prefix: [] });
  // The first seconds are not rest: what is run often is compiled, and the collector has not been through yet.
  await pause(10_000);
  const before = usageOf(child.pid!);
  await pause(seconds * 1_000);
  const after = usageOf(child.pid!);
  await stopped(child);
  await stopped(broker.child);
  await Promise.all([serial.close(), tcp.close()]);
  return { rssMegabytes: after.rssMegabytes, cpuShare: (after.cpuSeconds - before.cpuSeconds) / seconds };
}

/** From the start of the process until it says that it takes reads, in ms. */
export async function startTime(dataDir: string): Promise<number> {
  const contender = sortgate({ dataDir, isOffline: true });
  const startedAt = performance.now();
  const child = await contender.start({ brokerPort: await freePort(), wires: [], prefix: [] });
  const ms = performance.now() - startedAt;
  await stopped(child);
  return ms;
}

/** What an outage leaves behind, and what it cost while it lasted. */
export interface Outage {
  readonly dataDir: string;
  readonly rssMegabytes: number;
  readonly walMegabytes: number;
}

/**
 * Fills a ledger with `count` events that no broker takes.
 *
 * The load counts what arrives, so here it runs against the clock: parcels at a rate that the gateway keeps up with.
 */
export async function outage(count: number, rate: number): Promise<Outage> {
  const dataDir = join(scratch("outage"), "data");
  const inner = sortgate({ dataDir, isOffline: true });
  let pid = 0;
  let [rssMegabytes, walMegabytes] = [0, 0];
  const watch = setInterval(() => {
    if (pid === 0) return;
    rssMegabytes = Math.max(rssMegabytes, ifThere(() => usageOf(pid))?.rssMegabytes ?? 0);
    walMegabytes = Math.max(
      walMegabytes,
      (statSync(`${dataDir}/ledger.db-wal`, { throwIfNoEntry: false })?.size ?? 0) / 2 ** 20,
    );
  }, 200);
  try {
    await measure(
      {
        name: "sortgate without a broker",
        async start(place) {
          const child = await inner.start({ ...place, brokerPort: await freePort() });
          pid = child.pid!;
          return child;
        },
      },
      { wires: ["tcp"], pace: { rate }, copies: 1, warmUpSeconds: 0, seconds: count / rate },
    );
  } finally {
    clearInterval(watch);
  }
  return { dataDir, rssMegabytes, walMegabytes };
}

/** A backlog goes out while parcels pass at `rate`. */
export function drain(dataDir: string, backlogCount: number, rate: number, seconds: number): Promise<Measured> {
  const order = { wires: ["tcp"] as const, pace: { rate }, copies: 1, warmUpSeconds: 1, seconds };
  return measure(sortgate({ dataDir }), { ...order, firstParcel: backlogCount });
}

/** How long the main thread is away from its loop while every fsync takes `extraMs` longer. */
export async function loopDelay(extraMs: number): Promise<LoopDelay> {
  const file = join(scratch("loop"), "delay.json");
  const nodeOptions = ["--import", new URL("./loop-probe.js", import.meta.url).href];
  process.env.BENCH_LOOP_FILE = file;
  try {
    const order = { wires: ["tcp"] as const, pace: { rate: 1_000 }, copies: 1, warmUpSeconds: 2, seconds: 5 };
    await measure(sortgate({ nodeOptions }), order, slowDisk(extraMs));
  } finally {
    delete process.env.BENCH_LOOP_FILE;
  }
  return JSON.parse(readFileSync(file, "utf8")) as LoopDelay;
}
