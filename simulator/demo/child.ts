import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import type { Readable } from "node:stream";

/** A process of the demo. */
export interface Child {
  readonly name: string;
  /** How it ended; settles once, never rejects. */
  readonly ended: Promise<ChildEnd>;
  /** The last lines that it wrote. */
  lastLines(): readonly string[];
  /** Sends it a message; only for one that was started with `ipc`. */
  send(message: object): void;
  onMessage(listener: (message: unknown) => void): void;
  /** Asks it to end, and ends it itself after `graceMs`. */
  stop(graceMs: number): Promise<ChildEnd>;
  kill(): void;
}

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: string | null;
  /** Whether it was asked to end. */
  readonly asked: boolean;
  /** Whether it had to be ended, because it did not do so in time. */
  readonly killed: boolean;
}

export interface ChildSettings {
  readonly name: string;
  /** What node runs: a script and its arguments. */
  readonly args: readonly string[];
  /** Whether messages are exchanged with it. */
  readonly ipc: boolean;
  /** All that it writes goes here too. */
  readonly logFile: string;
}

const linesMax = 12;

/**
 * Starts a process of node that never outlives this one: the kernel ends it together with its parent.
 *
 * It has a session of its own, so that Ctrl-C reaches only the demo, which stops its processes in the right order.
 */
export function startChild({ name, args, ipc, logFile }: ChildSettings): Child {
  const child = spawn("setpriv", ["--pdeathsig", "TERM", process.execPath, ...args], {
    stdio: ["ignore", "pipe", "pipe", ...(ipc ? (["ipc"] as const) : [])],
    detached: true,
  });
  const lines: string[] = [];
  const log = createWriteStream(logFile);
  for (const stream of [child.stdout, child.stderr])
    if (stream !== null) keepLines(stream, lines, (text) => log.write(text));
  const asked = { end: false, kill: false };
  const kill = (): void => {
    asked.end = true;
    asked.kill = true;
    child.kill("SIGKILL");
  };
  const ended = endOf(child, asked).finally(() => log.end());
  return {
    name,
    ended,
    lastLines: () => lines,
    send: (message) => void (child.connected && child.send(message)),
    onMessage: (listener) => void child.on("message", listener),
    async stop(graceMs) {
      asked.end = true;
      child.kill("SIGTERM");
      const timer = setTimeout(kill, graceMs);
      const end = await ended;
      clearTimeout(timer);
      return end;
    },
    kill,
  };
}

function endOf(child: ChildProcess, asked: { readonly end: boolean; readonly kill: boolean }): Promise<ChildEnd> {
  return new Promise((resolve) => {
    const end = (code: number | null, signal: string | null): void =>
      resolve({ code, signal, asked: asked.end, killed: asked.kill });
    child.once("error", (error) => end(null, error.message));
    // Not "exit": its last words may still be in the pipe then.
    child.once("close", end);
  });
}

function keepLines(stream: Readable, lines: string[], write: (text: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    write(text);
    const parts = (rest + text).split("\n");
    rest = (parts.pop() ?? "").slice(-1_000);
    lines.push(...parts.filter((line) => line !== ""));
    lines.splice(0, lines.length - linesMax);
  });
}
