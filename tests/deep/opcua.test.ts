import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { askStatus } from "../fakes/gateway.ts";
import { freePort } from "../fakes/mosquitto.ts";
import { figure, seconds } from "../figures.ts";
import { openScriptedBroker, type ScriptedBroker } from "./rig/broker.ts";
import { defer } from "./rig/defer.ts";
import { type Line, openLine } from "./rig/line.ts";
import { breakProgram } from "./rig/program.ts";

const rebuiltMsMax = 30_000;

interface Server {
  readonly process: ChildProcess;
  readonly codeNode: string;
  readonly sequenceNode: string;
}

async function startServer(port: number, folder: string, first: number): Promise<Server> {
  const script = join(import.meta.dirname, "rig/opcua-server.mjs");
  const child = spawn(process.execPath, [script, String(port), folder, String(first)], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  defer(() => child.kill("SIGKILL"));
  const [said] = (await once(child.stdout!, "data")) as [Buffer];
  const [codeNode = "", sequenceNode = ""] = said.toString().trim().split(" ");
  return { process: child, codeNode, sequenceNode };
}

interface Rig {
  readonly line: Line;
  readonly broker: ScriptedBroker;
  readonly server: ChildProcess;
  /** Starts another server in its place. */
  restart(first: number): Promise<Server>;
}

async function openRig(main?: string): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), "sortgate-opcua-"));
  defer(() => rmSync(folder, { recursive: true, force: true }));
  const port = await freePort();
  const server = await startServer(port, folder, 1);
  const broker = await openScriptedBroker();
  defer(() => broker.close());
  const more = `
[[device]]
name = "plc"
read_point = "tunnel-1"
driver = "opcua"
endpoint = "opc.tcp://127.0.0.1:${port}"
security = "none"
mode = "tags"
[[device.tag]]
code = "${server.codeNode}"
sequence = "${server.sequenceNode}"
`;
  const line = await openLine({ brokerUrl: broker.url, more }, defer);
  await line.start(main === undefined ? {} : { main });
  await isRead(broker, broker.events.length, 60_000);
  return { line, broker, server: server.process, restart: (first) => startServer(port, folder, first) };
}

/** Waits until a read has come after the first `count` events. */
function isRead({ events }: ScriptedBroker, count: number, timeout: number): Promise<void> {
  return vi.waitFor(() => expect(events.slice(count).some(({ topic }) => topic.includes("/read/"))).toBe(true), {
    timeout,
    interval: 50,
  });
}

const gapCount = ({ events }: ScriptedBroker): number =>
  events.filter(({ topic }) => topic.endsWith("/log/gap")).length;

const isDown = ({ line }: Rig, timeout: number): Promise<void> =>
  vi.waitFor(
    async () => expect((await askStatus(line.site)).devices.find(({ name }) => name === "plc")?.state).toBe("down"),
    { timeout, interval: 100 },
  );

async function timed(work: Promise<void>): Promise<number> {
  const beganAt = performance.now();
  await work;
  return performance.now() - beganAt;
}

describe("G21 an OPC UA server", () => {
  it("G21 that stands still, or dies, is noticed and read again within 30 s, and a burst is told as a gap", async () => {
    const rig = await openRig();
    const { broker, server } = rig;
    server.kill("SIGSTOP");
    const noticedMs = await timed(isDown(rig, rebuiltMsMax));
    const before = broker.events.length;
    server.kill("SIGCONT");
    const thawedMs = await timed(isRead(broker, before, rebuiltMsMax));

    server.kill("SIGKILL");
    const diedMs = await timed(isDown(rig, rebuiltMsMax));
    const next = await rig.restart(1_000_000);
    const restartedMs = await timed(isRead(broker, broker.events.length, rebuiltMsMax));

    const gaps = gapCount(broker);
    next.process.stdin!.write("burst\n");
    await vi.waitFor(() => expect(gapCount(broker)).toBeGreaterThan(gaps), 20_000);
    figure(
      "G21",
      "server",
      `silence and death noticed within ${seconds(Math.max(noticedMs, diedMs))}, read again within ${seconds(Math.max(thawedMs, restartedMs))}; a burst is a gap event`,
    );
  });

  it("G21 that died is not read again in time where the next attempt is minutes away", async () => {
    const slow = breakProgram({
      file: "src/driver/supervise.js",
      from: "const waitMs = backoff.nextMs();",
      to: "const waitMs = 600_000;",
    });
    defer(() => slow.remove());
    const rig = await openRig(slow.main);
    rig.server.kill("SIGKILL");
    await isDown(rig, rebuiltMsMax);
    await rig.restart(1_000_000);
    await expect(isRead(rig.broker, rig.broker.events.length, rebuiltMsMax)).rejects.toThrow();
  });
});
