import { type ChildProcess, spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mqtt, { type MqttClient } from "mqtt";
import { vi } from "vitest";
import { createControlClient, type Status } from "../../src/control/index.ts";
import { createVerifier, type Verdict } from "../../src/seal/index.ts";
import { optionsOfFirstLine } from "../first-line.ts";
import { unlisted } from "./event-fields.ts";

const program = join(import.meta.dirname, "../../dist/sortgate.js");

/** A directory of its own for one daemon, with its config; removed by `remove`. */
export interface Site {
  readonly dir: string;
  readonly configPath: string;
  readonly socketPath: string;
  readonly dataDir: string;
  configure(text: string): void;
  remove(): void;
}

export interface SiteSettings {
  readonly brokerUrl: string;
  /** Everything but [gateway], [[broker]] and [control]. */
  readonly rest: string;
  /** Lines of [[broker]] beside name and url. */
  readonly broker?: string;
  readonly control?: string;
}

export function makeSite({ brokerUrl, rest, broker = "", control = "" }: SiteSettings): Site {
  const dir = mkdtempSync(join(tmpdir(), "sortgate-site-"));
  const configPath = join(dir, "sortgate.toml");
  const socketPath = join(dir, "control.sock");
  const dataDir = join(dir, "data");
  const configure = (text: string): void => writeFileSync(configPath, text);
  configure(`
[gateway]
site = "HZ01"
id = "line-3"
data_dir = "${dataDir}"
[[broker]]
name = "central"
url = "${brokerUrl}"
${broker}
[control]
socket = "${socketPath}"
${control}
${rest}
`);
  return {
    dir,
    configPath,
    socketPath,
    dataDir,
    configure,
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** What a process wrote so far, as text and, byte by byte, both streams together. */
export interface Said {
  readonly stdout: string;
  readonly stderr: string;
  readonly chunks: readonly Buffer[];
}

/** What a finished command said. */
export interface Finished extends Said {
  readonly code: number | null;
}

/** Runs one command of the built program to its end. */
export async function runCommand(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Finished> {
  return startCommand(args, env).finished;
}

/** One command of the built program that runs until it ends by itself or is told to. */
export interface Running {
  readonly process: ChildProcess;
  /** Everything it wrote so far. */
  readonly said: Said;
  readonly finished: Promise<Finished>;
}

/** Starts a command of the built program; `under` is a program, with its arguments, that starts it in its turn. */
export function startCommand(
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  under: readonly string[] = [],
): Running {
  const [first, ...rest] = [...under, process.execPath, program, ...args] as [string, ...string[]];
  const child = spawn(first, rest, { env, stdio: ["ignore", "pipe", "pipe"] });
  const said = collect(child);
  const finished = once(child, "close").then(([code]) => ({ code: code as number | null, ...said }));
  return { process: child, said, finished };
}

function collect(child: ChildProcess): Said {
  const said = { stdout: "", stderr: "", chunks: [] as Buffer[] };
  for (const name of ["stdout", "stderr"] as const)
    child[name]?.on("data", (chunk: Buffer) => {
      said[name] += chunk.toString();
      said.chunks.push(chunk);
    });
  return said;
}

/** The built daemon as a process. */
export interface Daemon {
  readonly process: ChildProcess;
  /** Everything it wrote so far. */
  readonly output: Said;
  /** Resolves when it is gone, with its exit code. */
  gone(): Promise<number | null>;
  /** Sends a signal and waits until it is gone; gives its exit code. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

export interface DaemonSettings {
  readonly env?: NodeJS.ProcessEnv;
  /** A program, with its arguments, that becomes the daemon. */
  readonly under?: readonly string[];
  /** The entry of another build of the program. */
  readonly main?: string;
}

/** Starts the daemon without waiting for anything. */
export function spawnDaemon(site: Site, settings: DaemonSettings = {}): Daemon {
  const { env = process.env, under = [], main = program } = settings;
  const [first, ...rest] = [
    ...under,
    process.execPath,
    ...optionsOfFirstLine(main),
    main,
    "run",
    "--config",
    site.configPath,
  ];
  const child = spawn(first!, rest, { env, stdio: ["ignore", "pipe", "pipe"] });
  const output = collect(child);
  const gone = once(child, "close").then(([code]) => code as number | null);
  return {
    process: child,
    output,
    gone: () => gone,
    async end(signal = "SIGTERM") {
      child.kill(signal);
      return gone;
    },
  };
}

/** Starts the daemon and waits until it says that it is ready. */
export async function startDaemon(
  site: Site,
  env: NodeJS.ProcessEnv = process.env,
  settings: Omit<DaemonSettings, "env"> = {},
): Promise<Daemon> {
  const daemon = spawnDaemon(site, { ...settings, env });
  const { process: child, output } = daemon;
  await vi.waitFor(() => {
    if (child.exitCode !== null) return;
    if (!output.stdout.includes('"gateway/ready"')) throw new Error("not ready yet");
  }, 30_000);
  if (child.exitCode !== null) throw new Error(`the daemon ended: ${output.stderr}${output.stdout}`);
  return daemon;
}

/** One line of the daemon's log. */
export interface LogLine {
  readonly name: string;
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** The finished lines of the daemon's log; fails if one is no JSON. */
export function logLines({ output }: Daemon): LogLine[] {
  return output.stdout
    .slice(0, output.stdout.lastIndexOf("\n") + 1)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as LogLine);
}

/** What the running daemon says of itself, over its control socket. */
export async function askStatus({ socketPath }: Site): Promise<Status> {
  return (await createControlClient(socketPath).get("/status")) as Status;
}

/** A subscriber of the whole chain that keeps every message. */
export interface Subscriber {
  readonly messages: readonly { readonly topic: string; readonly text: string }[];
  /** Codes of the read events, in order of arrival. */
  codes(): string[];
  /** Distinct events by sequence. */
  sequences(): Set<number>;
  verdict(trustPath?: string): Verdict;
  /** Fails if an event had a member that is not in `config/event-fields.json`. */
  close(): Promise<void>;
}

/** Whether events come under a topic: not the status, and not an order of the centre, which reaches all of `sortgate/#`. */
export function isOfChain(topic: string): boolean {
  return !/\/(?:status|order)$/.test(topic);
}

const isEvent = ({ topic, text }: { topic: string; text: string }): boolean =>
  isOfChain(topic) && text.startsWith("{") && text.includes('"org.sortgate.');

/** Keeps its session at the broker, so that nothing published while it is away is missed. */
export async function openSubscriber(url: string): Promise<Subscriber> {
  const messages: { topic: string; text: string }[] = [];
  const client: MqttClient = mqtt.connect(url, { clean: false, clientId: "subscriber", reconnectPeriod: 100 });
  client.on("error", () => {});
  client.on("message", (topic, payload) => messages.push({ topic, text: payload.toString() }));
  await client.subscribeAsync("sortgate/#", { qos: 1 });
  const parsed: { data: { code?: string }; type: string; sequence: string }[] = [];
  let parsedCount = 0;
  const events = (): typeof parsed => {
    for (const { topic, text } of messages.slice(parsedCount)) if (isOfChain(topic)) parsed.push(JSON.parse(text));
    parsedCount = messages.length;
    return parsed;
  };
  return {
    messages,
    codes: () =>
      events()
        .filter((event) => event.type === "org.sortgate.read.v1")
        .map((event) => event.data.code ?? ""),
    sequences: () => new Set(events().map((event) => Number(event.sequence))),
    verdict(trustPath) {
      const verifier = createVerifier(
        trustPath === undefined ? {} : { trust: [new X509Certificate(readFileSync(trustPath))] },
      );
      for (const [index, { topic, text }] of messages.entries()) if (isOfChain(topic)) verifier.push(text, index + 1);
      return verifier.finish();
    },
    async close() {
      await client.endAsync(true);
      const offences = new Set(messages.filter(isEvent).flatMap(({ text }) => unlisted(JSON.parse(text))));
      if (offences.size > 0) throw new Error(`Members that are not in event-fields.json: ${[...offences].join(", ")}`);
    },
  };
}

/** A scanner on TCP that the gateway connects to. */
export interface TcpScanner {
  readonly port: number;
  /** Sends bytes to whoever is connected; false if nobody is. */
  send(bytes: string | Uint8Array): boolean;
  /** Sends the same bytes over and over, as fast as they are taken, until this many are gone. */
  flood(bytes: Uint8Array, byteCount: number): Promise<void>;
  connected(): Promise<void>;
  close(): Promise<void>;
}

export async function openTcpScanner(): Promise<TcpScanner> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as { port: number }).port,
    send(bytes) {
      for (const socket of sockets) socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
      return sockets.size > 0;
    },
    async flood(bytes, byteCount) {
      const [socket] = sockets;
      if (socket === undefined) throw new Error("nobody is connected");
      for (let sent = 0; sent < byteCount; sent += bytes.length) if (!socket.write(bytes)) await once(socket, "drain");
    },
    connected: () =>
      vi.waitFor(() => {
        if (sockets.size === 0) throw new Error("nobody is connected yet");
      }, 15_000),
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** A valid SF waybill number for each whole number. */
export function aWaybill(number: number): string {
  return `SF1${String(number).padStart(12, "0")}`;
}

/** Frames a code as SICK scanners do. */
export function framed(code: string): string {
  return `\x02${code}\x03\r\n`;
}

/** Parcels that pass a scanner one after the other, at an even pace. */
export interface Belt {
  /** How many passed so far; their numbers begin with `first`. */
  passedCount(): number;
  /** Resolves when this many have passed; the belt stands still from then on. */
  passed(count: number): Promise<void>;
  stop(): void;
}

export function startBelt(scanner: TcpScanner, everyMs: number, first = 0): Belt {
  let passedCount = 0;
  let last = Number.POSITIVE_INFINITY;
  const timer = setInterval(() => {
    if (passedCount < last && scanner.send(framed(aWaybill(first + passedCount)))) passedCount += 1;
  }, everyMs);
  return {
    passedCount: () => passedCount,
    async passed(count) {
      last = count;
      await vi.waitFor(() => {
        if (passedCount < count) throw new Error(`only ${passedCount} parcels passed yet`);
      }, 30_000);
    },
    stop: () => clearInterval(timer),
  };
}

/** The config of one read point with one scanner on TCP. */
export function oneScanner(port: number): string {
  return `
[[read_point]]
name = "tunnel-1"
[[device]]
name = "scanner-1"
read_point = "tunnel-1"
driver = "tcp"
host = "127.0.0.1"
port = ${port}
profile = "stx-etx-barcode"
[guard]
carriers = ["sf"]
`;
}
