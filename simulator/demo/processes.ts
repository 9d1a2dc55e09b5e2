import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pause } from "../../src/lib/clock.ts";
import { programFolder } from "../../src/lib/program-folder.ts";
import { fillConfig, readTemplate } from "../line-config.ts";
import type { FromLine, ToLine } from "../messages.ts";
import { machineMs, type Truth } from "../truth.ts";
import type { LineAddresses, LineCounts } from "../virtual-line.ts";
import { type Child, startChild } from "./child.ts";
import { askGateway, type GatewayStatus } from "./gateway-status.ts";
import { isReady, lacks } from "./pulse.ts";

/** The processes of a demo, and the first of them that failed. */
export interface Processes {
  readonly started: Child[];
  line: Line | undefined;
  gateway: Child | undefined;
  failure: { readonly sentence: string; readonly logLines: readonly string[] } | undefined;
}

/** The process of the virtual line. */
export interface Line {
  readonly child: Child;
  readonly addresses: LineAddresses;
  counts(): LineCounts;
  start(): void;
  /** Stops the belt; all truth has been told when it resolves. */
  halt(): Promise<void>;
}

export interface LineOptions {
  readonly directory: string;
  readonly seed: number;
  readonly parcelsPerSecond: number;
  readonly tell: (truth: Truth) => void;
  readonly say: (sentence: string) => void;
  readonly signal: AbortSignal;
}

export interface GatewayOptions {
  readonly directory: string;
  readonly addresses: LineAddresses;
  readonly brokerUrl: string;
  readonly say: (sentence: string) => void;
  readonly signal: AbortSignal;
}

const tagReadsPerSecond = 600;
const pollMs = 50;
const haltMs = 500;
/** Opening the line, or the gateway's devices, takes longer only if something is wrong. */
const readyTimeoutMs = 120_000;
/** A person who waits is told this often what for. */
const remindEveryMs = 10_000;

const lineScript = join(programFolder(), "dist/parts/virtual-line.js");
const productScript = join(programFolder(), "dist/sortgate.js");

/** Starts a process; that it ends before it is asked to is a failure of the demo. */
function start(processes: Processes, settings: Parameters<typeof startChild>[0]): Child {
  const child = startChild(settings);
  processes.started.push(child);
  void child.ended.then(({ code, signal, asked }) => {
    if (asked) return;
    const how = code === null ? `by ${signal}` : `with code ${code}`;
    processes.failure ??= { sentence: `${settings.name} ended unexpectedly, ${how}`, logLines: child.lastLines() };
  });
  return child;
}

interface Wait {
  readonly child: Child;
  readonly signal: AbortSignal;
  readonly isMet: () => boolean | Promise<boolean>;
  /** What is not there yet. */
  readonly lacking: () => string;
  readonly say: (sentence: string) => void;
}

/** Waits for something; gives false if the demo is to stop. Fails if a process failed, or took too long. */
async function wait(processes: Processes, { child, signal, isMet, lacking, say }: Wait): Promise<boolean> {
  const until = machineMs() + readyTimeoutMs;
  for (let remindAt = machineMs() + remindEveryMs; !(await isMet()); await pause(pollMs, signal)) {
    if (signal.aborted) return false;
    if (machineMs() > until) {
      const sentence = `${child.name} is not ready after ${readyTimeoutMs / 1_000} s: ${lacking()}`;
      processes.failure ??= { sentence, logLines: child.lastLines() };
    }
    if (processes.failure !== undefined) throw new Error(processes.failure.sentence);
    if (machineMs() < remindAt) continue;
    remindAt += remindEveryMs;
    say(`Still waiting: ${lacking()} …`);
  }
  return !signal.aborted;
}

/** Opens the virtual line in a process of its own; gives nothing if the demo is to stop. */
export async function openLine(processes: Processes, options: LineOptions): Promise<Line | undefined> {
  const { directory, seed, parcelsPerSecond, tell, say, signal } = options;
  const stateDir = join(directory, "reader");
  await mkdir(stateDir);
  const args = [lineScript, String(seed), String(parcelsPerSecond), String(tagReadsPerSecond), stateDir];
  const logFile = join(directory, "line.log");
  const child = start(processes, { name: "The virtual line", args, ipc: true, logFile });
  let addresses: LineAddresses | undefined;
  let counts: LineCounts | undefined;
  let hasStopped = false;
  child.onMessage((message) => {
    const said = message as FromLine;
    if (said.kind === "truth") return tell(said.truth);
    if (said.kind === "ready") addresses = said.addresses;
    else counts = said.counts;
    if (said.kind === "stopped") hasStopped = true;
  });
  const isMet = (): boolean => addresses !== undefined;
  const isOpen = await wait(processes, { child, signal, isMet, lacking: () => "the devices are being opened", say });
  if (!isOpen || addresses === undefined) return undefined;
  processes.line = {
    child,
    addresses,
    counts: () => counts ?? noCounts,
    start: () => child.send({ kind: "start" } satisfies ToLine),
    async halt() {
      child.send({ kind: "stop" } satisfies ToLine);
      for (const until = machineMs() + haltMs; !hasStopped && machineMs() < until; ) await pause(10);
    },
  };
  return processes.line;
}

/** A line that has not sent anything. */
export const noCounts: LineCounts = {
  parcelCount: 0,
  scannerReadCount: 0,
  tagReadCount: 0,
  noReadCount: 0,
  noiseCount: 0,
  unsentCount: 0,
};

/**
 * Starts `sortgate run` and waits until all its devices and its broker are up.
 *
 * Gives:  the path of its control socket; nothing if the demo is to stop.
 */
export async function startGateway(processes: Processes, options: GatewayOptions): Promise<string | undefined> {
  const { directory, addresses, brokerUrl, say, signal } = options;
  const controlSocket = join(directory, "control.sock");
  const config = join(directory, "sortgate.toml");
  const dataDir = join(directory, "data");
  await writeFile(config, fillConfig(readTemplate(), { addresses, dataDir, controlSocket, brokerUrl }));
  const args = [productScript, "run", "--config", config];
  const child = start(processes, { name: "The gateway", args, ipc: false, logFile: join(directory, "gateway.log") });
  processes.gateway = child;
  let status: GatewayStatus | undefined;
  const isMet = async (): Promise<boolean> => {
    status = await askGateway(controlSocket);
    return isReady(status);
  };
  const isUp = await wait(processes, { child, signal, isMet, lacking: () => lacks(status), say });
  return isUp ? controlSocket : undefined;
}
