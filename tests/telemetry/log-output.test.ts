import { execFileSync, spawn } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { limits } from "../../src/model/limits.ts";
import { createLogOutput } from "../../src/telemetry/log-output.ts";

const built = pathToFileURL(resolve("dist/src/telemetry/index.js")).href;

/** Starts a program that has `tell`; nobody reads its stdout until somebody asks for it. */
function aProgram(body: string) {
  const source = `import { createTelemetry } from ${JSON.stringify(built)};
    const { tell } = createTelemetry({ settings: { level: "info" } });
    const say = (message) => tell({ name: "device/warning", level: "warn", message });
    ${body}`;
  return spawn(process.execPath, ["--input-type=module", "-e", source], { stdio: ["ignore", "pipe", "pipe"] });
}

function ended(child: ReturnType<typeof aProgram>): Promise<number | null> {
  return new Promise((resolve) => child.once("exit", resolve));
}

describe("the log of a process", () => {
  test("holds the last words of a crash, in order and whole", async () => {
    const child = aProgram('for (let i = 0; i < 2000; i += 1) say("word " + i); throw new Error("crash");');
    let text = "";
    child.stdout.on("data", (part) => {
      text += part;
    });
    child.stderr.resume();
    await new Promise((resolve) => child.once("close", resolve));
    const words = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).msg);
    expect(words).toEqual(Array.from({ length: 2_000 }, (_, index) => `word ${index}`));
    expect(child.exitCode).not.toBe(0);
  });

  test("stops neither the program nor its exit when nobody reads it", async () => {
    const child = aProgram(`const start = performance.now();
      for (let i = 0; i < 20000; i += 1) say("x".repeat(200));
      process.stderr.write(String(Math.round(performance.now() - start)));
      setImmediate(() => process.exit(7));`);
    let tookMs = "";
    child.stderr.on("data", (part) => {
      tookMs += part;
    });
    const startedAt = performance.now();
    expect(await ended(child)).toBe(7);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(Number(tookMs)).toBeLessThan(5_000);
    child.stdout.destroy();
  });

  test("stops neither the program nor its exit when its reader has gone", async () => {
    const child = aProgram(`process.stdin.destroy();
      process.once("SIGUSR2", () => { say("to nobody"); say("to nobody"); process.exit(8); });
      process.stderr.write("up"); setInterval(() => {}, 1000);`);
    await new Promise((resolve) => child.stderr.once("data", resolve));
    child.stdout.destroy();
    child.kill("SIGUSR2");
    expect(await ended(child)).toBe(8);
  });
});

describe("a slow reader", () => {
  let folder: string;
  let pipe: number;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sortgate-log-"));
    execFileSync("mkfifo", [join(folder, "pipe")]);
    pipe = openSync(join(folder, "pipe"), constants.O_RDWR | constants.O_NONBLOCK);
  });
  afterEach(() => {
    closeSync(pipe);
    rmSync(folder, { recursive: true });
  });

  /** Takes what lies in the pipe. */
  function readSome(): string {
    const bytes = Buffer.alloc(65_536);
    try {
      return bytes.toString("latin1", 0, readSync(pipe, bytes));
    } catch {
      return "";
    }
  }

  test("costs bounded memory, and every line that it does not get is counted", async () => {
    const output = createLogOutput(pipe);
    const lineCount = 3_000;
    for (let index = 0; index < lineCount; index += 1) output.write(`${String(index).padEnd(999, ".")}\n`);
    expect(output.takeLost()).toBe(0);
    let text = "";
    let lostCount = 0;
    await expect
      .poll(
        () => {
          text += readSome();
          lostCount += output.takeLost();
          return text.length / 1_000 + lostCount;
        },
        { timeout: 20_000, interval: 5 },
      )
      .toBe(lineCount);
    expect(text.length).toBeGreaterThan(limits.logBytesMax / 2);
    expect(text.length).toBeLessThan(limits.logBytesMax + 200_000);
    const numbers = text
      .trimEnd()
      .split("\n")
      .map((line) => Number.parseInt(line, 10));
    expect(numbers).toEqual(numbers.map((_, index) => index));
  });
});
