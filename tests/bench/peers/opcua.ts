import { spawn } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { afternoonScript } from "../rig/contenders.ts";
import { idle } from "../rig/daemon.ts";
import { byBareClient, byGateway, opcuaDevice, openSource, throughOpcua } from "../rig/opcua.ts";
import { startBroker, stopped, usageOf } from "../rig/processes.ts";
import type { Bench } from "./port.ts";

const [eventsPerSecond, readsPerEvent] = [1_000, 20];
/** As many as the server grants. */
const queueSizeMax = 5_000;
const usual = { publishingMs: 100, queueSize: queueSizeMax };
/** The server cannot keep what comes in between two publishes: the product must say so. */
const scarce = { publishingMs: 10_000, queueSize: 100_000 };
/** More events than the server keeps, within one publishing interval. */
const scarceSeconds = (1.8 * queueSizeMax) / eventsPerSecond;

/** S24: reads that come in of those that an OPC UA server told, at 20,000 a second, or at what the server can. */
export async function opcua({ report, seconds, say }: Bench): Promise<void> {
  for (const [scenario, asked, length] of [
    ["S24 OPC UA", usual, seconds],
    ["S24 OPC UA, queue too small", scarce, scarceSeconds],
  ] as const)
    for (const [name, start] of [
      ["bare client", byBareClient],
      ["sortgate", byGateway],
    ] as const)
      try {
        const order = { eventsPerSecond, readsPerEvent };
        const {
          reads,
          seconds: took,
          delivered,
          cpuMicros,
          isWarned,
        } = await throughOpcua(start, order, asked, length);
        report.add(`${scenario}: told by the server`, name, "reads/s", reads / took);
        report.add(`${scenario}: delivered of told`, name, "%", (100 * delivered) / reads);
        // With the long interval most of that would be the wait for the last publish.
        if (asked === usual) report.add(`${scenario}: CPU per read`, name, "µs", cpuMicros);
        report.add(`${scenario}: warned`, name, "times", Number(isWarned));
      } catch (error) {
        say(`${scenario} · ${name}: ${error instanceof Error ? error.message : error}`);
      }
}

/** S22: what is in memory at rest: bare Node, the script, and the product with an OPC UA device that says nothing. */
export async function rest({ report }: Bench): Promise<void> {
  const broker = await startBroker();
  const script = await afternoonScript.start({ brokerPort: broker.port, wires: [], prefix: [] });
  // Nothing tells when a process is at rest.
  await pause(5_000);
  report.add("S22 RSS at rest", afternoonScript.name, "MB", usageOf(script.pid!).rssMegabytes);
  await stopped(script);
  await stopped(broker.child);
  const bare = spawn(process.execPath, ["-e", "setInterval(() => {}, 1_000)"], { stdio: "ignore" });
  // Nor does this one.
  await pause(2_000);
  report.add("S22 RSS at rest", "bare Node", "MB", usageOf(bare.pid!).rssMegabytes);
  await stopped(bare);
  const source = await openSource({ eventsPerSecond, readsPerEvent });
  const { rssMegabytes } = await idle(5, { devices: [opcuaDevice(source.endpoint, usual)] });
  report.add("S22 RSS at rest", "sortgate with OPC UA", "MB", rssMegabytes);
  await source.close();
}
