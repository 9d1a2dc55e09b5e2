import { execFileSync } from "node:child_process";
import { describe, expect, it, vi } from "vitest";
import { askStatus, aWaybill, startBelt } from "../fakes/gateway.ts";
import { openSerialLine, type SerialLine } from "../fakes/serial-line.ts";
import { figure, seconds } from "../figures.ts";
import { openScriptedBroker, type ScriptedBroker } from "./rig/broker.ts";
import { defer } from "./rig/defer.ts";
import { openLine } from "./rig/line.ts";
import { cpuMs } from "./rig/process.ts";
import { breakProgram } from "./rig/program.ts";

const lineCount = 5;
const rounds = 10;
/** The promise, and one second for the looking of this test on a loaded machine. */
const noticeMsMax = 3_000 + 1_000;
const replugMsMax = 5_000 + 1_000;

/** TIOCVHANGUP: the line hangs up on whoever has it open, and its node stays (asm-generic/ioctls.h). */
const hangUp = `
import fcntl, os, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY), 0x5437)
`;

const serialDevices = (lines: readonly SerialLine[]): string =>
  lines
    .map(
      ({ path }, index) => `
[[device]]
name = "serial-${index}"
read_point = "tunnel-1"
driver = "serial"
path = "${path}"
profile = "line-barcode"
`,
    )
    .join("");

interface Rig {
  readonly lines: readonly SerialLine[];
  readonly broker: ScriptedBroker;
  readonly pid: number;
  stateOf(line: number): Promise<string>;
  /** Parcels of one line pass for ever, each with a code of its own; gives the number of the next one. */
  next(line: number): number;
  stopTraffic(): void;
  belt: ReturnType<typeof startBelt>;
}

async function openRig(main?: string): Promise<Rig> {
  const broker = await openScriptedBroker();
  defer(() => broker.close());
  const lines = await Promise.all(Array.from({ length: lineCount }, () => openSerialLine()));
  for (const line of lines) defer(() => line.close());
  const { site, scanner, start } = await openLine({ brokerUrl: broker.url, more: serialDevices(lines) }, defer);
  const daemon = await start(main === undefined ? {} : { main });
  const numbers = lines.map((_, index) => (index + 1) * 10_000_000);
  const timer = setInterval(() => {
    for (const [index, line] of lines.entries()) line.write(`${aWaybill(numbers[index]!++)}\r\n`);
  }, 5);
  const stopTraffic = (): void => clearInterval(timer);
  defer(stopTraffic);
  const belt = startBelt(scanner, 20);
  defer(() => belt.stop());
  return {
    lines,
    broker,
    pid: daemon.process.pid!,
    stateOf: async (line) =>
      (await askStatus(site)).devices.find(({ name }) => name === `serial-${line}`)?.state ?? "absent",
    next: (line) => numbers[line]!,
    stopTraffic,
    belt,
  };
}

/** Waits until a parcel of this line, with a number from `first` on, has reached the broker. */
function isRead(rig: Rig, line: number, first: number, timeout: number): Promise<void> {
  const seen = (): boolean => {
    for (let index = rig.broker.events.length - 1; index >= 0 && index > rig.broker.events.length - 400; index -= 1) {
      const code = /"code":"SF1(\d{12})"/.exec(rig.broker.events[index]!.bytes.toString("latin1"))?.[1];
      const number = Number(code);
      if (number >= first && number < (line + 2) * 10_000_000) return true;
    }
    return false;
  };
  return vi.waitFor(() => expect(seen()).toBe(true), { timeout, interval: 50 });
}

interface Times {
  readonly notice: number[];
  readonly replug: number[];
}

/** Unplugs one line again and again, until one replug was not read in time. */
async function unplugOften(rig: Rig, line: number, times: Times): Promise<void> {
  const isLate = (): boolean => times.replug.some((ms) => ms > replugMsMax);
  for (let round = 0; round < rounds && !isLate(); round += 1) {
    await isRead(rig, line, rig.next(line), 20_000);
    const unpluggedAt = performance.now();
    await rig.lines[line]!.unplug();
    await vi.waitFor(async () => expect(await rig.stateOf(line)).toBe("down"), { timeout: 20_000, interval: 50 });
    times.notice.push(performance.now() - unpluggedAt);
    const first = rig.next(line);
    const repluggedAt = performance.now();
    await rig.lines[line]!.replug();
    await isRead(rig, line, first, replugMsMax + 1_000).catch(() => {});
    times.replug.push(performance.now() - repluggedAt);
  }
}

describe("G12 a serial line", () => {
  it("G12 that is unplugged under traffic is noticed and read again in time, 50 times, and no other device notices", async () => {
    const rig = await openRig();
    const times: Times = { notice: [], replug: [] };
    await Promise.all(rig.lines.map((_, line) => unplugOften(rig, line, times)));
    expect(Math.max(...times.notice)).toBeLessThan(noticeMsMax);
    expect(Math.max(...times.replug)).toBeLessThan(replugMsMax);
    const passed = rig.belt.passedCount();
    await rig.belt.passed(passed + 1);
    const expected = Array.from({ length: passed }, (_, number) => aWaybill(number));
    await vi.waitFor(() => expect([...rig.broker.codes()]).toEqual(expect.arrayContaining(expected)), 20_000);
    figure(
      "G12",
      "unplug",
      `${times.notice.length} unplugs under traffic: noticed within ${seconds(Math.max(...times.notice))}, read again within ${seconds(Math.max(...times.replug))}`,
    );
  });

  it("G12 that hangs up under traffic costs no processor time afterwards", async () => {
    const rig = await openRig();
    for (let line = 0; line < lineCount; line += 1) await isRead(rig, line, rig.next(line), 20_000);
    for (const { path } of rig.lines) execFileSync("python3", ["-c", hangUp, path]);
    // The node is still there, so the line is opened again; that it hung up must have been noticed for it.
    for (let line = 0; line < lineCount; line += 1) await isRead(rig, line, rig.next(line), 20_000);
    rig.stopTraffic();
    rig.belt.stop();
    for (const line of rig.lines) await line.unplug();
    for (let line = 0; line < lineCount; line += 1)
      await vi.waitFor(async () => expect(await rig.stateOf(line)).toBe("down"), 20_000);
    const [cpuBefore, before] = [cpuMs(rig.pid), performance.now()];
    await vi.waitFor(() => expect(performance.now() - before).toBeGreaterThan(4_000), 6_000);
    const share = (cpuMs(rig.pid) - cpuBefore) / (performance.now() - before);
    expect(share).toBeLessThan(0.25);
    figure("G12", "idle", `${Math.round(share * 100)} % of a core after ${lineCount} hang-ups`);
  });

  it("G12 that was unplugged for long is read late where it is tried as seldom as a broker", async () => {
    const patient = breakProgram({
      file: "src/model/limits.js",
      from: "serialRetryMsMax: 2_000",
      to: "serialRetryMsMax: 60_000",
    });
    defer(() => patient.remove());
    const rig = await openRig(patient.main);
    const times: Times = { notice: [], replug: [] };
    await Promise.all(rig.lines.map((_, line) => unplugOften(rig, line, times)));
    expect(Math.max(...times.replug)).toBeGreaterThan(replugMsMax);
  });
});
