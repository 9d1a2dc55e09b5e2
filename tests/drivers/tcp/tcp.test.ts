import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { tcpDriver } from "../../../drivers/tcp/driver.ts";
import type { TcpSettings } from "../../../drivers/tcp/settings.ts";
import { limits } from "../../../src/model/limits.ts";
import { failure, watchedContext } from "../../contract/driver-contract.ts";
import { call, freePort, host, openScanner, tcpSettingsOf } from "./rig.ts";

const cleanUps: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function open(settings: TcpSettings) {
  const watched = watchedContext();
  const session = await tcpDriver.open(settings, watched.context);
  cleanUps.push(() => session.close());
  return { session, ...watched };
}

async function calling(port: number): Promise<Socket> {
  const socket = await call(port);
  cleanUps.push(() => void socket.destroy());
  return socket;
}

/** A port whose kernel answers no further call, as a host that is switched off: its queue is full and nobody accepts. */
async function deafPort(): Promise<number> {
  const program = `import socket,sys,time
s=socket.socket(); s.bind(("${host}",0)); s.listen(0)
print(s.getsockname()[1],flush=True); sys.stdin.read()`;
  const python: ChildProcess = spawn("python3", ["-c", program], { stdio: ["pipe", "pipe", "inherit"] });
  cleanUps.push(() => void python.kill());
  const [line] = (await once(python.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
  const port = Number(line.toString());
  await calling(port);
  return port;
}

describe("calling a scanner", () => {
  it("that refuses, whose name is unknown and that is no address to reach are three different sentences", async () => {
    const refused = await failure(open(tcpSettingsOf(await freePort())));
    const unknown = await failure(open(tcpSettingsOf(2_112, { host: "scanner.invalid" })));
    const unreachable = await failure(open(tcpSettingsOf(2_112, { host: "255.255.255.255" })));
    expect([refused.code, unknown.code, unreachable.code]).toEqual([
      "device/refused",
      "device/misconfigured",
      "device/unreachable",
    ]);
    expect(new Set([refused.message, unknown.message, unreachable.message]).size).toBe(3);
  });

  it("that does not answer ends at the deadline, with a sentence of its own", async () => {
    const port = await deafPort();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const opening = failure(open(tcpSettingsOf(port)));
    await vi.advanceTimersByTimeAsync(limits.connectTimeoutMs);
    const error = await opening;
    expect(error.code).toBe("device/silent");
    expect(error.message).toContain("does not answer");
  });

  it("that does not answer is given up at once when the device is let go", async () => {
    const port = await deafPort();
    const { context, letGo } = watchedContext();
    const opening = failure(tcpDriver.open(tcpSettingsOf(port), context));
    letGo();
    expect((await opening).code).toBe("device/closed");
  });

  it("that resets the connection ends the session", async () => {
    const scanner = await openScanner();
    cleanUps.push(() => scanner.dispose());
    const { session } = await open(tcpSettingsOf(scanner.port));
    await expect.poll(() => scanner.sockets.length).toBe(1);
    scanner.sockets[0]?.resetAndDestroy();
    const end = await session.ended;
    expect(end.reason).toBe("error");
    expect(end.sentence).toContain("ECONNRESET");
  });
});

describe("being called by a scanner", () => {
  it("at a port that is in use names the port and how to find who uses it", async () => {
    const other = await openScanner();
    cleanUps.push(() => other.dispose());
    const error = await failure(open(tcpSettingsOf(other.port, { mode: "listen" })));
    expect(error.code).toBe("device/refused");
    expect(error.message).toContain(`Port ${other.port}`);
    expect(error.hint).toContain("ss -ltnp");
  });

  it("at an address that is not of this box is told as such", async () => {
    const error = await failure(open(tcpSettingsOf(2_112, { mode: "listen", host: "192.0.2.1" })));
    expect(error.code).toBe("device/misconfigured");
  });

  it("again breaks off what the earlier call sent half, and reads the newer one only", async () => {
    const port = await freePort();
    const { chunks, notices, text } = await open(tcpSettingsOf(port, { mode: "listen" }));
    const earlier = await calling(port);
    earlier.write("SF13856");
    await expect.poll(text).toBe("SF13856");
    const newer = await calling(port);
    await once(earlier, "close");
    expect(chunks.at(-1)?.kind).toBe("break");
    newer.write("whole\r\n");
    await expect.poll(text).toBe("SF13856whole\r\n");
    expect(chunks.filter((chunk) => chunk.kind === "break")).toHaveLength(1);
    expect(notices.map((notice) => notice.name)).toEqual(["device/connected", "device/connected"]);
  });

  it("ends with the connection closed and the port free", async () => {
    const port = await freePort();
    const { session, notices } = await open(tcpSettingsOf(port, { mode: "listen" }));
    const caller = await calling(port);
    await expect.poll(() => notices.length).toBe(1);
    await session.close();
    await once(caller, "close");
    await open(tcpSettingsOf(port, { mode: "listen" }));
  });
});
