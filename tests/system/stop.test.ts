import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, openSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  askStatus,
  aWaybill,
  framed,
  logLines,
  makeSite,
  oneScanner,
  openTcpScanner,
  runCommand,
  type Site,
  startCommand,
  startDaemon,
} from "../fakes/gateway.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A gateway whose broker and scanner are not there. */
function aSite(broker = "", url = "mqtt://127.0.0.1:1"): Site {
  const site = makeSite({ brokerUrl: url, broker, rest: oneScanner(1) });
  cleanups.push(() => site.remove());
  return site;
}

describe("a ledger that its daemon let go of in the middle of its work", () => {
  it("is whole at the next start, after a second signal too: the same chain goes on, and no pass is told again", async () => {
    const scanner = await openTcpScanner();
    // A broker that lets everybody in and acknowledges nothing, so that a stop takes its time.
    const broker = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.write(Buffer.from([0x20, 3, 0, 0, 0])));
    }).listen(0, "127.0.0.1");
    await once(broker, "listening");
    const brokerUrl = `mqtt://127.0.0.1:${(broker.address() as { port: number }).port}`;
    const rest = oneScanner(scanner.port).replace('name = "tunnel-1"', 'name = "tunnel-1"\ndepart_ms = 20000');
    const site = makeSite({ brokerUrl, rest });
    cleanups.push(
      () => site.remove(),
      () => scanner.close(),
      () => broker.close(),
    );
    const chains: string[] = [];
    for (let run = 0; run < 4; run += 1) {
      const daemon = await startDaemon(site);
      await scanner.connected();
      for (let parcel = 0; parcel < 20; parcel += 1) scanner.send(framed(aWaybill(parcel)));
      await vi.waitFor(async () => {
        const { devices, queue } = await askStatus(site);
        expect([devices[0]!.readCount, queue.uncommittedCount]).toEqual([20, 0]);
      }, 15_000);
      const { chain, readPoints } = await askStatus(site);
      chains.push(chain.chain);
      expect(readPoints[0]!.openedCount).toBe(run === 0 ? 20 : 0);
      daemon.process.kill("SIGTERM");
      await vi.waitFor(() => expect(logLines(daemon).map(({ name }) => name)).toContain("gateway/stopping"), 10_000);
      expect(await daemon.end("SIGTERM")).toBe(1);
    }
    expect(new Set(chains).size).toBe(1);
    expect(readdirSync(site.dataDir).filter((name) => name.includes("damaged"))).toEqual([]);
  });
});

describe("the daemon ends when it is told to", () => {
  it("cleanly, although it is not ready yet", async () => {
    const site = aSite();
    const running = startCommand(["run", "--config", site.configPath]);
    await vi.waitFor(() => expect(existsSync(site.dataDir)).toBe(true), { timeout: 45_000, interval: 5 });
    expect(running.said.stdout).not.toContain("gateway/ready");
    running.process.kill("SIGTERM");
    const { code, stdout } = await running.finished;
    expect({ code, isStopped: stdout.includes("gateway/stopped") }).toEqual({ code: 0, isStopped: true });
  });

  it("cleanly, when its terminal is closed", async () => {
    const daemon = await startDaemon(aSite());
    expect(await daemon.end("SIGHUP")).toBe(0);
    expect(logLines(daemon).map(({ name }) => name)).toContain("gateway/stopped");
  });

  it("although a certificate file is a pipe that nobody writes to, and the log says what is wrong with it", async () => {
    const site = aSite(`ca_file = "/proc/self/fd/0"`, "mqtts://127.0.0.1:1");
    const pipe = join(site.dir, "ca.pem");
    execFileSync("mkfifo", [pipe]);
    const config = execFileSync("cat", [site.configPath], { encoding: "utf8" });
    site.configure(config.replace("/proc/self/fd/0", pipe));
    const daemon = await startDaemon(site);
    await vi.waitFor(
      () => expect(logLines(daemon).find(({ name }) => name === "broker/down")).toMatchObject({ code: "broker/tls" }),
      15_000,
    );
    expect(await daemon.end()).toBe(0);
  });
});

it("a result that finds no room is told as that, not as a fault of the program", async () => {
  const full = openSync("/dev/full", "w");
  const program = join(import.meta.dirname, "../../dist/sortgate.js");
  const child = spawn(process.execPath, [program, "version"], { stdio: ["ignore", full, "pipe"] });
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const [code] = (await once(child, "close")) as [number | null];
  expect({ code, said }).toEqual({ code: 1, said: expect.stringMatching(/no space is left.*\nTry: /s) });
});

it("a second daemon with the control socket of the first leaves before any device hears of it", async () => {
  const scanner = await openTcpScanner();
  cleanups.push(() => scanner.close());
  const [first, second] = [oneScanner(1), oneScanner(scanner.port)].map((rest) =>
    makeSite({ brokerUrl: "mqtt://127.0.0.1:1", rest }),
  );
  for (const site of [first!, second!]) cleanups.push(() => site.remove());
  const daemon = await startDaemon(first!);
  cleanups.push(() => daemon.end());
  second!.configure(readFileSync(second!.configPath, "utf8").replace(second!.socketPath, first!.socketPath));
  const { code, stdout, stderr } = await runCommand(["run", "--config", second!.configPath]);
  expect({ code, isConnected: stdout.includes("device/up") }).toEqual({ code: 1, isConnected: false });
  expect(stderr).toMatch(/another daemon answers there/);
});
