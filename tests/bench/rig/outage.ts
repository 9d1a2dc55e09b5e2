import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { OutageOrder, OutageResult } from "./outage-load.ts";
import { type Contender, startBroker, stopped, toldBy, usageOf } from "./processes.ts";

/** How a contender came through an outage of its broker. */
export interface Outage extends OutageResult {
  /** How much larger it became for each event more that waits, in bytes. */
  readonly rssPerEvent: number;
}

/** Below this it does nothing any more, in processor seconds of one second. */
const restingShare = 0.05;

/** Resolves when the process has taken in what was sent to it: it rests for a second. */
async function resting(pid: number): Promise<void> {
  for (let before = usageOf(pid).cpuSeconds; ; ) {
    await pause(1_000);
    const { cpuSeconds } = usageOf(pid);
    if (cpuSeconds - before < restingShare) return;
    before = cpuSeconds;
  }
}

/**
 * The broker goes, parcels come in, the broker returns: the same for each contender, which runs on all the while.
 *
 * Takes:   counts of parcels at which the memory is looked at, rising; the last is the backlog.
 */
export async function throughOutage(contender: Contender, halts: readonly number[]): Promise<Outage> {
  let broker = await startBroker();
  const order: OutageOrder = { brokerPort: broker.port, halts };
  const program = fileURLToPath(new URL("./outage-load.js", import.meta.url));
  const load = spawn(process.execPath, [program, JSON.stringify(order)], { stdio: ["pipe", "pipe", "inherit"] });
  const told = toldBy(load);
  let child: ChildProcess | undefined;
  try {
    const address = await told<string>("address");
    child = await contender.start({ brokerPort: broker.port, wires: [{ kind: "tcp", address }], prefix: [] });
    await stopped(broker.child);
    const sizes: number[] = [];
    for (const _ of halts) {
      load.stdin.write("send\n");
      await told("sent");
      await resting(child.pid!);
      sizes.push(usageOf(child.pid!).rssMegabytes);
    }
    load.stdin.write("drain\n");
    broker = await startBroker(broker.port);
    const result = await told<OutageResult>("result");
    const grown = (sizes.at(-1)! - sizes[0]!) * 2 ** 20;
    return { ...result, rssPerEvent: grown / (halts.at(-1)! - halts[0]!) };
  } finally {
    if (child !== undefined) await stopped(child);
    await stopped(load);
    await stopped(broker.child);
  }
}
