import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it, vi } from "vitest";

const program = fileURLToPath(new URL("../../dist/sortgate.js", import.meta.url));

interface DemoProcess {
  readonly child: ChildProcess;
  text(): string;
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
  /** The directory that this demo alone writes to. */
  readonly home: string;
}

const demos: DemoProcess[] = [];

afterEach(() => {
  for (const { child, home } of demos.splice(0)) {
    child.kill("SIGKILL");
    rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
});

function startDemo(...args: string[]): DemoProcess {
  const home = mkdtempSync(join(tmpdir(), "sd-"));
  const child = spawn(process.execPath, [program, "demo", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, TMPDIR: home },
  });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
  const demo: DemoProcess = {
    child,
    home,
    text: () => Buffer.concat(chunks).toString("utf8"),
    ended: new Promise((resolve) => child.once("close", (code, signal) => resolve({ code, signal }))),
  };
  demos.push(demo);
  return demo;
}

/** Process ids of those that were started for this demo: each has its directory among its arguments. */
function processesOf({ home }: DemoProcess): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => argumentsOf(pid).includes(home));
}

function argumentsOf(pid: number): string {
  const path = `/proc/${pid}/cmdline`;
  try {
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  } catch {
    // It ended while we looked.
    return "";
  }
}

/** Pseudo-terminals whose parent is one of these processes. */
function terminalsOf(pids: readonly number[]): number[] {
  return pids.flatMap((pid) => {
    const path = `/proc/${pid}/task/${pid}/children`;
    return existsSync(path) ? readFileSync(path, "utf8").trim().split(" ").filter(Boolean).map(Number) : [];
  });
}

const parcelsSeen = (demo: DemoProcess): Promise<void> =>
  vi.waitFor(() => expect(demo.text()).toMatch(/^#3 .* ok$/m), { timeout: 150_000, interval: 50 });

describe("sortgate demo", () => {
  it("shows each parcel's event once, signed and verified, and leaves nothing behind", {
    timeout: 180_000,
  }, async () => {
    const demo = startDemo("--seconds", "8", "--seed", "5");
    const end = await demo.ended;
    const text = demo.text();
    expect(end, text.slice(-2_000)).toEqual({ code: 0, signal: null });
    expect(text).toMatch(/duplicates +0$/m);
    expect(text).toMatch(/missing +0$/m);
    expect(text).toMatch(/unverified +0$/m);
    expect(text).toMatch(/chain +whole and authentic: \d+ events, 1 epoch/);
    expect(text).toMatch(/personal data +[1-9]\d* on labels, 0 found/);
    expect(Number(/parcels passed +(\d+)$/m.exec(text)?.[1])).toBeGreaterThan(24);
    expect(Number(/reads sent +(\d+)$/m.exec(text)?.[1])).toBeGreaterThan(4_000);
    for (const seen of ["barcode", "bag tag", "stray tag", "no-read", "pass stalled", "token of"])
      expect(text).toContain(seen);
    expect(readdirSync(demo.home)).toEqual([]);
  });

  it("prints a summary that programs can read", { timeout: 180_000 }, async () => {
    const demo = startDemo("--seconds", "2", "--json");
    const { code } = await demo.ended;
    expect(JSON.parse(demo.text())).toMatchObject({
      problems: [],
      missingCount: 0,
      duplicateCount: 0,
      unverifiedCount: 0,
    });
    expect(code).toBe(0);
  });

  it("ends within five seconds of Ctrl-C, with a summary", { timeout: 180_000 }, async () => {
    const demo = startDemo();
    await parcelsSeen(demo);
    const askedAt = performance.now();
    demo.child.kill("SIGINT");
    expect((await demo.ended).code).toBe(0);
    expect(performance.now() - askedAt).toBeLessThan(5_000);
    expect(demo.text()).toMatch(/missing +0$/m);
    expect(processesOf(demo)).toEqual([]);
  });

  it("says which process died, shows its last lines and ends with 1", { timeout: 180_000 }, async () => {
    const demo = startDemo();
    await parcelsSeen(demo);
    const gateway = processesOf(demo).find((pid) => argumentsOf(pid).includes("sortgate.toml"));
    expect(gateway).toBeDefined();
    process.kill(gateway ?? 0, "SIGKILL");
    expect((await demo.ended).code).toBe(1);
    expect(demo.text()).toContain("The gateway ended unexpectedly, by SIGKILL");
    expect(demo.text()).toContain("gateway/ready");
    expect(processesOf(demo)).toEqual([]);
  });

  it("leaves no process behind when it is killed", { timeout: 180_000 }, async () => {
    const demo = startDemo();
    await parcelsSeen(demo);
    const children = processesOf(demo);
    const terminals = terminalsOf(children);
    expect([children.length, terminals.length]).toEqual([2, 1]);
    demo.child.kill("SIGKILL");
    const alive = (): number[] => [...children, ...terminals].filter((pid) => argumentsOf(pid) !== "");
    await vi.waitFor(() => expect(alive()).toEqual([]), { timeout: 15_000 });
  });
});
