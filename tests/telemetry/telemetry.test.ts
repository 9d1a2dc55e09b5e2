import { describe, expect, test } from "vitest";
import type { Notice } from "../../src/model/notice.ts";
import { createTelemetry } from "../../src/telemetry/index.ts";
import type { LogOutput } from "../../src/telemetry/log-output.ts";
import type { LogSettings } from "../../src/telemetry/settings.ts";

function aLog(level: LogSettings["level"] = "debug", configPath?: string) {
  const lines: string[] = [];
  let lostCount = 0;
  const destination: LogOutput = {
    write: (line) => void lines.push(line),
    flush: () => {},
    takeLost: () => {
      const count = lostCount;
      lostCount = 0;
      return count;
    },
  };
  const lose = (count: number): void => {
    lostCount += count;
  };
  return {
    lines,
    lose,
    ...createTelemetry({ settings: { level }, destination, ...(configPath !== undefined && { configPath }) }),
  };
}

function aNotice(over: Partial<Notice> = {}): Notice {
  return { name: "device/up", level: "info", message: "The device answers", ...over };
}

describe("a notice in the log", () => {
  test("is one line of JSON with time, level, name, sentence and fields", () => {
    const log = aLog();
    log.tell(aNotice({ fields: { device: "scanner-1", afterMs: 12, first: true } }));
    expect(log.lines).toHaveLength(1);
    expect(log.lines[0]).toMatch(/^\{.*\}\n$/);
    const line = JSON.parse(log.lines[0] ?? "");
    expect(line).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      level: "info",
      name: "device/up",
      msg: "The device answers",
      device: "scanner-1",
      afterMs: 12,
      first: true,
    });
  });

  test("holds no character that steers a terminal or reorders text", () => {
    const log = aLog();
    const nasty = "\u001b[2J\u009b\u0000\n\u202e\u2028\u2066\ud800x";
    log.tell(aNotice({ message: nasty, fields: { reason: nasty } }));
    const line = JSON.parse(log.lines[0] ?? "");
    expect(line.msg).toMatch(/^\ufffd\[2J\ufffd{7}x$/);
    expect(line.reason).toBe(line.msg);
  });

  test("suggests commands that read the same config file", () => {
    const log = aLog("debug", "/tmp/first/a.toml");
    log.tell(aNotice({ message: "Nothing can be sealed. Try: sortgate check" }));
    expect(JSON.parse(log.lines[0] ?? "").msg).toMatch(/Try: sortgate check --config \/tmp\/first\/a\.toml$/);
  });

  test("is cut after 600 characters", () => {
    const log = aLog();
    log.tell(aNotice({ message: "m".repeat(5_000), fields: { reason: "r".repeat(601), short: "s".repeat(600) } }));
    const line = JSON.parse(log.lines[0] ?? "");
    expect([line.msg.length, line.reason.length, line.short.length]).toEqual([600, 600, 600]);
    expect(line.reason.endsWith("r…")).toBe(true);
    expect(line.short.endsWith("s")).toBe(true);
  });

  test("keeps its own name and time whatever its fields are called", () => {
    const log = aLog();
    log.tell(aNotice({ fields: { name: "forged", level: "debug", msg: "forged", time: 0 } }));
    const line = JSON.parse(log.lines[0] ?? "");
    expect(line).toMatchObject({ name: "device/up", level: "info", name_: "forged", time_: 0 });
    expect(log.lines[0]?.match(/"name":/g)).toHaveLength(1);
  });

  test("below the set level is counted and not written", () => {
    const log = aLog("warn");
    log.tell(aNotice());
    log.tell(aNotice({ level: "warn" }));
    log.tell(aNotice({ level: "error", name: "ledger/failed" }));
    expect(log.lines).toHaveLength(2);
    expect([...log.counts()]).toEqual([
      ["device/up", 2],
      ["ledger/failed", 1],
    ]);
  });

  test("is followed by a warning when lines were lost before it", () => {
    const log = aLog();
    log.lose(7);
    log.tell(aNotice());
    expect(log.lines.map((line) => JSON.parse(line))).toMatchObject([
      { name: "device/up" },
      { name: "gateway/warning", level: "warn", count: 7 },
    ]);
  });

  test("that finds its output dead for good is dropped, and the program goes on", () => {
    const { tell, counts } = createTelemetry({
      settings: { level: "info" },
      destination: { write: () => {}, flush: () => {}, takeLost: () => 1 },
    });
    tell(aNotice());
    expect(counts().get("device/up")).toBe(1);
  });
});
