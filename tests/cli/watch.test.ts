import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { anEvent, aView, waybill } from "../control/a-view.ts";
import { builtMain, runHere } from "./run-here.ts";
import { aDaemon } from "./with-daemon.ts";

describe("sortgate watch", () => {
  let view: ReturnType<typeof aView>;
  let daemon: Awaited<ReturnType<typeof aDaemon>>;
  beforeEach(async () => {
    view = aView();
    daemon = await aDaemon(view);
  });
  afterEach(() => daemon.close());

  const watched = () => expect.poll(() => view.listeners.size, { timeout: 10_000 }).toBe(1);
  const started = () =>
    spawn(process.execPath, [builtMain, "watch", "--config", daemon.config], { stdio: ["ignore", "pipe", "pipe"] });

  test("shows each event on a line, its code masked, and stops after --count", async () => {
    const running = runHere("watch", "--config", daemon.config, "--count", "2");
    await watched();
    view.emit(anEvent(13));
    view.emit({
      ...anEvent(14, { code: undefined, token: "t1.k.abc", codeClass: "unknown", length: 11 }),
      kind: "pass",
    });
    const { code, stdout } = await running;
    expect(code).toBe(0);
    expect(stdout.split("\n")).toEqual([
      "03:10:11.123  read        tunnel-1        scanner-1       SF•••••••••6739  waybill",
      "03:10:11.123  pass        tunnel-1        scanner-1       t1.k.abc  unknown  11 bytes",
      "",
    ]);
  });

  test("keeps each line within 100 columns, with usual names and whole tokens", async () => {
    const running = runHere("watch", "--config", daemon.config, "--count", "2");
    await watched();
    const device = "scanner-tunnel-12";
    const token = `t1.${"k".repeat(8)}.${"m".repeat(18)}last`;
    view.emit({
      ...anEvent(13, { code: undefined, token, codeClass: "unknown", length: 1_234, device }),
      subject: "x",
    });
    view.emit(anEvent(14, { code: "3074257BF7194E4000001A85", codeClass: "epc", readCount: 123_456, device }));
    const lines = (await running).stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(2);
    for (const line of lines) expect([...line].length, line).toBeLessThanOrEqual(100);
    expect(lines[0]).toMatch(/ {2}t1\.kkkk…mmmmlast {2}unknown {2}1234 bytes$/);
  });

  test("prints one object a line with --json, masked as well", async () => {
    const running = runHere("watch", "--config", daemon.config, "--count", "1", "--json");
    await watched();
    view.emit(anEvent(13));
    const { stdout } = await running;
    expect(JSON.parse(stdout)).toMatchObject({ sequence: "13", kind: "read", data: { code: "SF•••••••••6739" } });
    expect(stdout).not.toContain(waybill);
  });

  test("stops after --seconds, with or without an event", async () => {
    const { code, stdout } = await runHere("watch", "--config", daemon.config, "--seconds", "1");
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
  });

  test("ends with 3 when the daemon stops", async () => {
    const running = runHere("watch", "--config", daemon.config);
    await watched();
    await daemon.close();
    expect(await running).toMatchObject({ code: 3, stderr: expect.stringContaining("The daemon has stopped") });
  });

  test("ends quietly at Ctrl-C", async () => {
    const child = started();
    let text = "";
    child.stdout.on("data", (part) => {
      text += part;
    });
    child.stderr.on("data", (part) => {
      text += part;
    });
    await watched();
    child.kill("SIGINT");
    const [code] = await once(child, "close");
    expect({ code, text }).toEqual({ code: 0, text: "" });
  });

  test("ends quietly when its reader has gone", async () => {
    const child = started();
    let complaint = "";
    child.stderr.on("data", (part) => {
      complaint += part;
    });
    const ended = once(child, "close");
    await watched();
    child.stdout.destroy();
    // The first write tells the system, a later one the program.
    const emitting = expect.poll(
      () => {
        view.emit(anEvent(13));
        return view.listeners.size;
      },
      { timeout: 10_000 },
    );
    await emitting.toBe(0);
    expect((await ended)[0]).toBe(0);
    expect(complaint).toBe("");
  });

  test("refuses a number that is none with 2", async () => {
    expect(await runHere("watch", "--count", "0")).toMatchObject({ code: 2, stderr: expect.stringContaining("Try:") });
  });
});
