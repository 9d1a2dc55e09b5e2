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

/**
 * Waits until the process has taken in what is sent to it: it rests for a second.
 *
 * Gives:   its smallest resident set of the second half of that time, in bytes: between two collections of garbage, which
 *          make it swing by more than what is looked for.
 */
async function takenIn(pid: number, sent: Promise<unknown>): Promise<number> {
  const sizes: number[] = [];
  const watch = setInterval(() => sizes.push(usageOf(pid).rssMegabytes * 2 ** 20), 100);
  try {
    await sent;
    for (let before = usageOf(pid).cpuSeconds; ; ) {
      await pause(1_000);
      const { cpuSeconds } = usageOf(pid);
      if (cpuSeconds - before < restingShare) break;
      before = cpuSeconds;
    }
  } finally {
    clearInterval(watch);
  }
  return Math.min(...sizes.slice(sizes.length / 2));
}

/**
 * The broker goes, parcels come in, the broker returns: the same for each contender, which runs on all the while.
 *
 * Takes:   how many parcels come in twice: memory is the difference of the two stretches.
 */
export async function throughOutage(contender: Contender, stretchCount: number): Promise<Outage> {
  const halts = [stretchCount, 2 * stretchCount];
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
      sizes.push(await takenIn(child.pid!, told("sent")));
    }
    load.stdin.write("drain\n");
    broker = await startBroker(broker.port);
    const result = await told<OutageResult>("result");
    return { ...result, rssPerEvent: (sizes[1]! - sizes[0]!) / stretchCount };
  } finally {
    if (child !== undefined) await stopped(child);
    await stopped(load);
    await stopped(broker.child);
  }
}
