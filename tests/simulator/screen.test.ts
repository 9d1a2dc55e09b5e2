import { describe, expect, it } from "vitest";
import { createScreen } from "../../simulator/demo/screen.ts";
import type { Row, Snapshot } from "../../simulator/demo/view.ts";

const code = "SF1385628716739";
const phone = "13812345678";

function aRow(row: Partial<Row> = {}): Row {
  return {
    arrival: { kind: "read", readPoint: "tunnel-1", device: "scanner-1", code, arrivedAtMs: 10 },
    truth: { kind: "read", readPoint: "tunnel-1", parcel: 123_456, code, passedAtMs: 6 },
    latencyMs: 4,
    verified: "ok",
    ...row,
  };
}

function aSnapshot(rows: readonly Row[]): Snapshot {
  return {
    rows,
    tally: {
      expectedCount: 1_234_567,
      matchedCount: 1_234_567,
      duplicateCount: 0,
      missingCount: 0,
      pendingCount: 12,
      latencyP50Ms: 4.2,
      latencyP99Ms: 163.4,
    },
    line: {
      parcelCount: 987_654,
      scannerReadCount: 3_000_000,
      tagReadCount: 9_999_999,
      noReadCount: 1_000,
      noiseCount: 2_000,
      unsentCount: 0,
    },
    eventCount: 1_234_567,
    unverifiedCount: 0,
    foundSecretCount: 0,
    plantedSecretCount: 100,
    readsPerSecond: 640,
    state: "gateway up, 3 of 3 devices   broker up, 0 queued",
  };
}

function aTerminal(
  isTTY: boolean,
  rows = 40,
): { text(): string; write(text: string): void; isTTY: boolean; rows: number; columns: number } {
  const written: string[] = [];
  return { text: () => written.join(""), write: (text) => void written.push(text), isTTY, rows, columns: 120 };
}

const escapes = new RegExp(`${String.fromCharCode(27)}\\[\\d*[A-Z]`, "g");
const linesOf = (text: string): string[] => text.replaceAll(escapes, "").replaceAll("\r", "").trimEnd().split("\n");

describe("the live table", () => {
  it("shows parcel, masked code, read point, device, latency and verdict", () => {
    const terminal = aTerminal(false);
    createScreen(terminal).row(aRow());
    const line = linesOf(terminal.text()).at(-1) ?? "";
    for (const part of ["#123456", "SF", "6739", "barcode", "tunnel-1", "scanner-1", "4.0 ms", "ok"])
      expect(line).toContain(part);
    expect(line).not.toContain(code);
  });

  it("is at most 100 columns wide", () => {
    const terminal = aTerminal(true);
    const token = aRow({
      arrival: { kind: "read", readPoint: "tunnel-1", device: "scanner-2", length: 2_953, arrivedAtMs: 1 },
      truth: { kind: "token", readPoint: "tunnel-1", parcel: 1, length: 2_953, passedAtMs: 0, secrets: [phone] },
      latencyMs: 12_345.6,
      verified: "FAILED: out of order",
    });
    createScreen(terminal).draw(aSnapshot([aRow(), token]));
    for (const line of linesOf(terminal.text())) expect(line.length, line).toBeLessThanOrEqual(100);
    expect(terminal.text()).not.toContain(phone);
  });

  it("cuts off nothing of its heading and totals at 100 columns", () => {
    const plain = aTerminal(false);
    const live = aTerminal(true);
    createScreen(live).draw(aSnapshot([aRow()]));
    createScreen(plain).row(aRow());
    expect(linesOf(live.text()).slice(0, 2)).toEqual(linesOf(plain.text()).slice(0, 2));
    for (const end of ["unverified 0\n", "on their way 12\n", "found in events 0\n", "0 queued\n"])
      expect(live.text()).toContain(end);
  });

  it("is drawn again in place on a terminal, and fits into it", () => {
    const terminal = aTerminal(true, 16);
    const screen = createScreen(terminal);
    const rows = Array.from({ length: 50 }, () => aRow());
    screen.draw(aSnapshot(rows));
    const height = terminal.text().split("\n").length - 1;
    expect(height).toBeLessThan(16);
    screen.draw(aSnapshot(rows));
    expect(terminal.text()).toContain(`\u001b[${height}A`);
  });

  it("is a log of plain lines where there is no terminal", () => {
    const terminal = aTerminal(false);
    const screen = createScreen(terminal);
    screen.say("Starting");
    screen.draw(aSnapshot([]));
    screen.row(aRow());
    screen.draw(aSnapshot([aRow()]));
    expect(terminal.text()).not.toContain("\u001b");
    expect(linesOf(terminal.text()).filter((line) => line.startsWith("#"))).toHaveLength(1);
  });
});
