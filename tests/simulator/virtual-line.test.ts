import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SerialPort } from "serialport";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Truth } from "../../simulator/truth.ts";
import { openVirtualLine, type VirtualLine } from "../../simulator/virtual-line.ts";

const stateDir = mkdtempSync(join(tmpdir(), "virtual-line-"));
const truths: Truth[] = [];
const serialChunks: Buffer[] = [];
const tcpChunks: Buffer[] = [];
const closers: (() => unknown)[] = [];
let line: VirtualLine;

/** Listens at both scanners, as a gateway does. */
async function listenTo({ serialPath, tcpPort }: VirtualLine["addresses"]): Promise<void> {
  const port = new SerialPort({ path: serialPath, baudRate: 115_200, autoOpen: false });
  port.on("data", (chunk: Buffer) => serialChunks.push(chunk));
  port.on("error", () => {});
  await new Promise<void>((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())));
  closers.push(() => new Promise((resolve) => port.close(resolve)));
  const socket = connect(tcpPort, "127.0.0.1");
  socket.on("data", (chunk) => tcpChunks.push(chunk));
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  closers.push(() => socket.destroy());
}

const heard = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString("latin1");

/** A whole frame with a waybill in it. */
const frameOf = (start: string, end: string): RegExp => new RegExp(`${start}\\](A0|C0|C1)([0-9A-Z]+)${end}`, "g");

/** The codes that stand in whole frames; waybills only, without the AIM identifier and the GS1 prefix. */
function codesIn(text: string, frame: RegExp): Set<string> {
  return new Set([...text.matchAll(frame)].map(([, aim = "", code = ""]) => (aim === "C1" ? code.slice(2) : code)));
}

beforeAll(async () => {
  line = await openVirtualLine({
    seed: 11,
    parcelsPerSecond: 40,
    tagReadsPerSecond: 600,
    readPoint: "tunnel-1",
    passMaxMs: 500,
    stateDir,
    tell: (truth) => truths.push(truth),
  });
  await listenTo(line.addresses);
  line.start();
  await vi.waitFor(() => expect(line.counts().parcelCount).toBeGreaterThanOrEqual(140), { timeout: 20_000 });
  line.stop();
  // Each scanner's last frame; what it sent before has arrived before.
  await vi.waitFor(() => {
    for (const { code } of truths.filter(({ kind, code }) => kind === "read" && code?.length !== 24))
      expect(heard(serialChunks) + heard(tcpChunks)).toContain(code);
  });
}, 60_000);

afterAll(async () => {
  for (const close of closers) await close();
  await line.close();
  rmSync(stateDir, { recursive: true, force: true });
});

describe("the virtual line", () => {
  it("sends on both wires exactly the codes that it tells", () => {
    const told = truths.filter(({ kind, code }) => kind === "read" && code?.length !== 24).map(({ code }) => code);
    const serial = codesIn(heard(serialChunks), frameOf("", "\r\n"));
    const tcp = codesIn(heard(tcpChunks), frameOf("\u0002", "\u0003"));
    expect([...new Set([...serial, ...tcp])].sort()).toEqual(told.sort());
    expect(told.length).toBeGreaterThan(100);
  });

  it("tells one no-read for each that a scanner says", () => {
    const told = truths.filter(({ kind }) => kind === "no-read");
    expect(heard(serialChunks).split("NoRead\r\n").length - 1).toBe(
      told.filter(({ device }) => device === "scanner-1").length,
    );
    expect(heard(tcpChunks).split("\u0002NoRead\u0003").length - 1).toBe(
      told.filter(({ device }) => device === "scanner-2").length,
    );
    expect(line.counts().noReadCount).toBe(told.length);
    expect(told.length).toBeGreaterThan(0);
  });

  it("tells each pass once", () => {
    const codes = truths.filter(({ kind }) => kind === "read").map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
  });

  it("floods the reader with at least 500 tag reads a second", () => {
    const times = truths.map(({ passedAtMs }) => passedAtMs);
    const seconds = (Math.max(...times) - Math.min(...times)) / 1_000;
    expect(line.counts().tagReadCount / seconds).toBeGreaterThan(500);
  });

  it("tells one stalled pass, of the stray tag", () => {
    const stalled = truths.filter(({ kind, mayBeMissing }) => kind === "stalled" && mayBeMissing !== true);
    const [stray] = truths.filter(({ kind, parcel }) => kind === "read" && parcel === 0);
    expect(stalled.map(({ code }) => code)).toEqual([stray?.code]);
  });

  it("takes back nothing that was certain when it stopped", () => {
    expect(truths.some(({ mayBeMissing }) => mayBeMissing === true)).toBe(false);
  });
});
