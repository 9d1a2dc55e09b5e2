import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { SerialPort } from "serialport";
import { afterEach, describe, expect, it, vi } from "vitest";
import { openPseudoTerminal, type PseudoTerminal } from "../../simulator/pseudo-terminal.ts";

const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function aTerminal(): Promise<PseudoTerminal> {
  const terminal = await openPseudoTerminal();
  open.push(terminal);
  return terminal;
}

async function receiveFrom(path: string): Promise<{ bytes(): Buffer }> {
  const port = new SerialPort({ path, baudRate: 115_200, autoOpen: false });
  const chunks: Buffer[] = [];
  port.on("data", (chunk: Buffer) => chunks.push(chunk));
  port.on("error", () => {});
  await new Promise<void>((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())));
  open.push({ close: () => new Promise((resolve) => (port.isOpen ? port.close(resolve) : resolve(undefined))) });
  return { bytes: () => Buffer.concat(chunks) };
}

describe("a pseudo-terminal", () => {
  it("delivers every byte as it was sent", async () => {
    const terminal = await aTerminal();
    const receiver = await receiveFrom(terminal.path);
    const every = Uint8Array.from({ length: 256 }, (_, index) => index);
    for (let at = 0; at < 20; at += 1) expect(terminal.write(every)).toBe(true);
    await vi.waitFor(() => expect(receiver.bytes().length).toBe(5_120), { timeout: 5_000 });
    expect(receiver.bytes().subarray(5_120 - 256)).toEqual(Buffer.from(every));
  });

  it("refuses bytes once it is closed", async () => {
    const terminal = await openPseudoTerminal();
    expect(terminal.write(Buffer.from("hello"))).toBe(true);
    await terminal.close();
    expect(terminal.write(Buffer.from("hello"))).toBe(false);
  });

  it("hangs up on its reader when it is closed, and is gone", async () => {
    const terminal = await openPseudoTerminal();
    // Not serialport, which is known to miss a hang-up now and then.
    const reader = spawn("cat", [terminal.path], { stdio: ["ignore", "pipe", "ignore"] });
    const ended = new Promise((resolve) => reader.once("close", resolve));
    const heard = new Promise((resolve) => reader.stdout.once("data", resolve));
    terminal.write(Buffer.from("hello"));
    await heard;
    await terminal.close();
    await ended;
    await vi.waitFor(() => expect(existsSync(terminal.path)).toBe(false));
  });
});
