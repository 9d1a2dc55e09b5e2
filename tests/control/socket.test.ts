import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { aControl, aView } from "./a-view.ts";

describe("the socket file", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sortgate-socket-"));
  });
  afterEach(() => {
    chmodSync(folder, 0o700);
    rmSync(folder, { recursive: true });
  });

  test("is for owner and group, and goes when the daemon stops", async () => {
    const control = await aControl();
    expect(statSync(control.socket).mode & 0o777).toBe(0o660);
    await control.close();
    expect(existsSync(control.socket)).toBe(false);
  });

  test("that a dead daemon left is replaced", async () => {
    const socket = join(folder, "control.sock");
    const program = `require("node:net").createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, "SIGKILL"))`;
    await once(spawn(process.execPath, ["-e", program], { stdio: "inherit" }), "exit");
    expect(existsSync(socket)).toBe(true);
    const control = await aControl(aView(), { socket });
    expect(await control.client.get("/healthz")).toEqual({ healthy: true });
    await control.close();
  });

  test("of a live daemon is left to it", async () => {
    const first = await aControl();
    await expect(aControl(aView(), { socket: first.socket })).rejects.toMatchObject({
      code: "control/unusable",
      message: expect.stringContaining("another daemon answers there"),
    });
    expect(await first.client.get("/healthz")).toEqual({ healthy: true });
    await first.close();
  });

  test("is not made over a file of another kind", async () => {
    const socket = join(folder, "notes.txt");
    writeFileSync(socket, "dear diary");
    await expect(aControl(aView(), { socket })).rejects.toMatchObject({ code: "control/unusable" });
    expect(readFileSync(socket, "utf8")).toBe("dear diary");
    const directory = join(folder, "directory");
    mkdirSync(directory);
    await expect(aControl(aView(), { socket: directory })).rejects.toMatchObject({ code: "control/unusable" });
  });

  test("gets the directory that it lacks", async () => {
    const control = await aControl(aView(), { socket: join(folder, "a", "b", "control.sock") });
    expect(await control.client.get("/healthz")).toEqual({ healthy: true });
    await control.close();
  });

  test("in a place that cannot be is explained", async () => {
    writeFileSync(join(folder, "file"), "");
    await expect(aControl(aView(), { socket: join(folder, "file", "control.sock") })).rejects.toMatchObject({
      code: "control/unusable",
      message: expect.stringMatching(/directory cannot be made \((EEXIST|ENOTDIR)\)/),
      hint: expect.stringContaining("RuntimeDirectory"),
    });
    await expect(aControl(aView(), { socket: "/proc/control.sock" })).rejects.toMatchObject({
      code: "control/unusable",
    });
  });
});
