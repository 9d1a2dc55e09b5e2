import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { makeSite, startDaemon } from "../fakes/gateway.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Node has no datagram socket of the Unix kind. */
const receive = `import socket, sys
inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
inbox.bind(sys.argv[1])
while True: print(inbox.recv(4096).decode())`;

/** Stands in for systemd: keeps when it was fed. */
async function openNotifySocket() {
  const folder = mkdtempSync(join(tmpdir(), "sortgate-watchdog-"));
  const path = join(folder, "notify");
  const receiver = spawn("python3", ["-u", "-c", receive, path], { stdio: ["ignore", "pipe", "inherit"] });
  cleanups.push(() => {
    receiver.kill();
    rmSync(folder, { recursive: true });
  });
  const fedAt: number[] = [];
  receiver.stdout.on("data", (part: Buffer) => {
    for (const _ of part.toString().matchAll(/WATCHDOG=1/g)) fedAt.push(performance.now());
  });
  await expect.poll(() => existsSync(path)).toBe(true);
  return { path, fedAt };
}

describe("systemd's watchdog", () => {
  it("is fed while nothing happens, and no longer once the disk takes no commit", async () => {
    const { path, fedAt } = await openNotifySocket();
    const site = makeSite({ brokerUrl: "mqtt://127.0.0.1:1", rest: '[[read_point]]\nname = "tunnel-1"' });
    cleanups.push(() => site.remove());
    const env = { ...process.env, NOTIFY_SOCKET: path, WATCHDOG_USEC: "1500000" };
    const daemon = await startDaemon(site, env);
    cleanups.push(() => daemon.end("SIGKILL"));
    // More often than anything else would commit: checkpoints come each minute.
    await expect.poll(() => fedAt.length, { timeout: 60_000 }).toBeGreaterThan(8);

    const stuck = "inject=fsync:delay_enter=60000000";
    const pid = String(daemon.process.pid);
    const tracer = spawn("strace", ["-f", "-p", pid, "-e", "trace=fsync", "-e", stuck], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    cleanups.push(async () => {
      tracer.kill("SIGKILL");
      await once(tracer, "exit");
    });
    let traced = "";
    tracer.stderr.on("data", (part: Buffer) => {
      traced += part;
    });
    await expect.poll(() => traced, { timeout: 60_000 }).toContain(" attached");
    const before = fedAt.length;
    // Six times as long as it takes between two feeds.
    await expect
      .poll(() => performance.now() - fedAt.at(-1)!, { timeout: 120_000, interval: 100 })
      .toBeGreaterThan(3_000);
    // The last commit counts for one interval, which is three feeds; the checkpoint a minute later would end it too.
    expect(fedAt.length - before).toBeLessThan(8);
    expect(daemon.process.exitCode).toBeNull();
  }, 300_000);
});
