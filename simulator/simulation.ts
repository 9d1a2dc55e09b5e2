import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { demoReadPoint, fillConfig, readTemplate } from "./line-config.ts";
import type { LineAddresses, LineCounts } from "./virtual-line.ts";

export interface SimulationSettings {
  readonly seed: number;
  readonly parcelsPerSecond: number;
}

/** A virtual line for a gateway that somebody else runs. */
export interface Simulation {
  readonly addresses: LineAddresses;
  /** A config for `sortgate run` with these devices; it keeps its data in the working directory. */
  readonly config: string;
  counts(): LineCounts;
  close(): Promise<void>;
}

const tagReadsPerSecond = 600;

/** Opens the line and starts its belt at once. Cost: about five seconds, for the OPC UA server. */
export async function openSimulation({ seed, parcelsPerSecond }: SimulationSettings): Promise<Simulation> {
  // Loaded here, because a demo imports this file too and needs no OPC UA server in its own process.
  const { openVirtualLine } = await import("./virtual-line.ts");
  const stateDir = await mkdtemp(join(tmpdir(), "sortgate-line-"));
  const line = await openVirtualLine({
    seed,
    parcelsPerSecond,
    tagReadsPerSecond,
    readPoint: demoReadPoint.name,
    passMaxMs: demoReadPoint.passMaxMs,
    stateDir,
    tell: () => {},
  });
  line.start();
  return {
    addresses: line.addresses,
    config: fillConfig(readTemplate(), {
      addresses: line.addresses,
      dataDir: resolve("sortgate-data"),
      controlSocket: resolve("sortgate-control.sock"),
      brokerUrl: "mqtt://127.0.0.1:1883",
    }),
    counts: line.counts,
    async close() {
      await line.close();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}
