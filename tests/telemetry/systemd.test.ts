import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Notice } from "../../src/model/notice.ts";
import { createSystemd } from "../../src/telemetry/index.ts";

/** Node has no datagram socket of the Unix kind. */
const receive = `import socket, sys
inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
inbox.bind(sys.argv[1])
while True: print(inbox.recv(4096).decode())`;

describe("systemd is told", () => {
  let folder: string;
  let receiver: ChildProcess;
  let received: string;
  let environment: NodeJS.ProcessEnv;
  const told: Notice[] = [];
  // Named here, so that a machine without it says so instead of failing.
  beforeAll(() => void execFileSync("systemd-notify", ["--version"]));
  const tell = (notice: Notice): void => void told.push(notice);

  beforeEach(async () => {
    told.length = 0;
    received = "";
    folder = mkdtempSync(join(tmpdir(), "sortgate-notify-"));
    const socket = join(folder, "notify");
    receiver = spawn("python3", ["-u", "-c", receive, socket], { stdio: ["ignore", "pipe", "inherit"] });
    receiver.stdout?.on("data", (part) => {
      received += part;
    });
    await expect.poll(() => existsSync(socket)).toBe(true);
    environment = { PATH: process.env.PATH, NOTIFY_SOCKET: socket };
  });
  afterEach(() => {
    receiver.kill();
    rmSync(folder, { recursive: true });
  });

  test("that the service is ready and that it stops", async () => {
    const systemd = createSystemd({ tell, environment });
    await systemd.ready();
    await expect.poll(() => received).toContain("READY=1");
    await systemd.stopping();
    await expect.poll(() => received).toContain("STOPPING=1");
    expect(told).toEqual([]);
  });

  test("that a long start goes on, until it is over", async () => {
    const systemd = createSystemd({ tell, environment, askMs: 60 });
    const asked = (): number => received.match(/EXTEND_TIMEOUT_USEC=60000000/g)?.length ?? 0;
    await expect.poll(asked).toBeGreaterThan(1);
    await systemd.ready();
    await expect.poll(() => received).toContain("READY=1");
    await systemd.stopping();
    await expect.poll(() => received).toContain("STOPPING=1");
    // What was asked before may come late, but nothing after that.
    const before = asked();
    for (let round = 0; round < 20; round += 1) await systemd.stopping();
    await expect.poll(() => received.match(/STOPPING=1/g)?.length).toBe(21);
    expect(asked()).toBe(before);
  });

  test("that the service lives, three times per deadline and no oftener", async () => {
    const systemd = createSystemd({ tell, environment: { ...environment, WATCHDOG_USEC: "15000000" } });
    expect(systemd.watchdogMs).toBe(5_000);
    for (let call = 0; call < 50; call += 1) systemd.watchdog();
    await expect.poll(() => received).toContain("WATCHDOG=1");
    await systemd.ready();
    await expect.poll(() => received).toContain("READY=1");
    expect(received.match(/WATCHDOG=1/g)).toHaveLength(1);
  });

  test("nothing of a watchdog that is meant for another process", async () => {
    const systemd = createSystemd({
      tell,
      environment: { ...environment, WATCHDOG_USEC: "15000000", WATCHDOG_PID: "1" },
    });
    expect(systemd.watchdogMs).toBeUndefined();
    systemd.watchdog();
    await systemd.ready();
    await expect.poll(() => received).toContain("READY=1");
    expect(received).not.toContain("WATCHDOG");
  });

  test("nothing where systemd did not start the program", async () => {
    const systemd = createSystemd({ tell, environment: {}, command: "/nowhere/systemd-notify" });
    await systemd.ready();
    await systemd.stopping();
    systemd.watchdog();
    expect(told).toEqual([]);
  });

  test("or one warning says that it cannot be told", async () => {
    const systemd = createSystemd({ tell, environment, command: "/nowhere/systemd-notify" });
    await systemd.ready();
    await systemd.ready();
    await systemd.stopping();
    expect(told).toMatchObject([{ name: "gateway/warning", level: "warn", fields: { reason: "ENOENT" } }]);
  });
});
