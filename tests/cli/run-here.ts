import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { runCli } from "../../src/cli/main.ts";
import type { TextStream } from "../../src/cli/output.ts";

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command inside this process and collects what it writes. */
export async function runHere(...argv: string[]): Promise<Ran> {
  const written = { stdout: "", stderr: "" };
  const collector = (name: "stdout" | "stderr"): TextStream => ({
    write(text) {
      written[name] += text;
    },
  });
  const code = await runCli(argv, {
    stdout: collector("stdout"),
    stderr: collector("stderr"),
  });
  return { code, ...written };
}

/** The built program. */
export const builtMain = fileURLToPath(new URL("../../dist/sortgate.js", import.meta.url));

/** Runs the built program as a process and collects what it writes. */
export async function runBuilt(
  argv: readonly string[],
  { nodeArgv = [], env = {}, deaf = false }: { nodeArgv?: string[]; env?: Record<string, string>; deaf?: boolean } = {},
): Promise<Ran> {
  const child = spawn(process.execPath, [...nodeArgv, builtMain, ...argv], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  const written = { stdout: "", stderr: "" };
  const collect = (name: "stdout" | "stderr") => (text: string) => {
    written[name] += text;
  };
  child.stderr.setEncoding("utf8").on("data", collect("stderr"));
  if (deaf) child.stdout.destroy();
  else child.stdout.setEncoding("utf8").on("data", collect("stdout"));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, ...written };
}
