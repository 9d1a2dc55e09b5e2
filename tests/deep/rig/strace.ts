import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Defer } from "./defer.ts";

/**
 * A prefix that runs a program with a fault in it from its first instruction on.
 *
 * The program itself stays the child of the test, and strace is beside it: so the exit code is the program's own.
 * SQLite calls fsync here, never fdatasync. The count of `when=` is kept for each thread. strace 6.1 injects no signal
 * with --seccomp-bpf.
 */
export function underFault(call: string, fault: string): readonly string[] {
  return ["strace", "-D", "-f", "-o", "/dev/null", "-e", `trace=${call}`, "-e", `inject=${call}:${fault}`];
}

/** Follows a process and all its threads from now on. Resolves once every thread is held; gives what lets them go. */
export async function attach(
  pid: number,
  options: readonly string[],
  defer: Defer,
  path = "/dev/null",
): Promise<() => Promise<void>> {
  const strace = spawn("strace", ["-f", "-y", "-ttt", "-p", String(pid), "-o", path, ...options], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const gone = once(strace, "exit");
  await new Promise<void>((resolve, reject) => {
    let said = "";
    strace.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes("attached")) resolve();
    });
    strace.once("error", reject);
    strace.once("exit", () => reject(new Error(`strace ended: ${said}`)));
  });
  const stop = async (): Promise<void> => {
    strace.kill("SIGINT");
    await gone;
  };
  defer(stop);
  return stop;
}
