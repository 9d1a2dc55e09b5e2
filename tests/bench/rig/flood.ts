import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { FloodOrder } from "./flood-load.ts";
import { type Contender, startBroker, stopped, toldBy, usageOf } from "./processes.ts";

/** How a contender bore more lines than any scanner sends. */
export interface Flood {
  /** Lines that the contender took from the wire, but for what pipes hold. */
  readonly readPerSecond: number;
  /** Lines that were not handled when nothing moved any more, or when the patience was over. */
  readonly missing: number;
  readonly rssMegabytesPeak: number;
}

/** How long a contender may work off what it has read. */
export const patienceMs = 10_000;
const quietMs = 2_000;

/**
 * Sends lines as fast as the pseudo-terminal takes them.
 *
 * Takes:   how many lines the contender has handled; absent, each message that arrives is one.
 */
export async function flood(contender: Contender, seconds: number, handledBy?: () => Promise<number>): Promise<Flood> {
  const broker = await startBroker();
  const order: FloodOrder = { brokerPort: broker.port, seconds };
  const program = fileURLToPath(new URL("./flood-load.js", import.meta.url));
  const load = spawn(process.execPath, [program, JSON.stringify(order)], { stdio: ["pipe", "pipe", "inherit"] });
  const told = toldBy(load);
  const arrived = (): Promise<number> => {
    load.stdin.write("how many\n");
    return told<number>("arrived");
  };
  const handled = handledBy ?? arrived;
  let child: ChildProcess | undefined;
  let watch: NodeJS.Timeout | undefined;
  let rssMegabytesPeak = 0;
  try {
    const address = await told<string>("address");
    child = await contender.start({ brokerPort: broker.port, wires: [{ kind: "serial", address }], prefix: [] });
    const { pid } = child;
    watch = setInterval(() => {
      rssMegabytesPeak = Math.max(rssMegabytesPeak, usageOf(pid!).rssMegabytes);
    }, 100);
    load.stdin.write("start\n");
    const sent = await told<number>("sent");
    let count = await handled();
    const endAt = performance.now() + patienceMs;
    for (let movedAt = performance.now(); count < sent && performance.now() < Math.min(endAt, movedAt + quietMs); ) {
      await pause(100);
      const now = await handled();
      if (now !== count) movedAt = performance.now();
      count = now;
    }
    return { readPerSecond: sent / seconds, missing: sent - count, rssMegabytesPeak };
  } finally {
    clearInterval(watch);
    if (child !== undefined) await stopped(child);
    await stopped(load);
    await stopped(broker.child);
  }
}
