import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { limits } from "../../src/model/limits.ts";
import { figure } from "../figures.ts";

const folder = join(import.meta.dirname, "../../systemd");
const unit = readFileSync(join(folder, "sortgate.service"), "utf8");

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "unit-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** The exposure of a unit, from 0 (best) to 10. */
function exposureOf(text: string): number {
  const path = join(dir, "sortgate.service");
  writeFileSync(path, text);
  const said = execFileSync("systemd-analyze", ["security", "--offline=true", "--no-pager", path], {
    encoding: "utf8",
  });
  return Number(/exposure level for sortgate\.service: (\d+\.\d+)/.exec(said)?.[1]);
}

/** The value of a line; the last one counts. */
const value = (name: string): string | undefined => [...unit.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].at(-1)?.[1];

test("the unit's exposure is at most 2.5, and the README tells it as measured", () => {
  const exposure = exposureOf(unit);
  expect(exposure).toBeLessThanOrEqual(2.5);
  const told = Number(/rates the unit \*\*(\d+\.\d+)\*\*/.exec(readFileSync(join(folder, "README.md"), "utf8"))?.[1]);
  // Other versions of systemd weigh a little differently.
  expect(Math.abs(told - exposure)).toBeLessThanOrEqual(0.3);
  figure("G24", "exposure", `exposure ${exposure}, by systemd-analyze`);
});

test("without its hardening the unit would be far above", () => {
  expect(exposureOf(unit.replace(/^CapabilityBoundingSet=[\s\S]*(?=\[Install\])/m, ""))).toBeGreaterThan(2.5);
});

test("systemd finds nothing wrong with the unit", () => {
  // The program need not be installed where the tests run.
  const path = join(dir, "sortgate.service");
  writeFileSync(path, unit.replaceAll("/usr/bin/sortgate", "/bin/true"));
  const { status, stdout, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", path], { encoding: "utf8" });
  expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: "" });
});

test("systemd finds the fault in a unit that has one", () => {
  const path = join(dir, "sortgate.service");
  writeFileSync(path, unit.replaceAll("/usr/bin/sortgate", "/bin/true").replace("Restart=always", "Restart=sometimes"));
  const { stdout, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", path], { encoding: "utf8" });
  expect(stdout + stderr).toMatch(/Restart|sometimes/);
});

test("the service is started again whatever happens, and is never failed for good", () => {
  expect(value("Restart")).toBe("always");
  expect(value("StartLimitIntervalSec")).toBe("0");
  expect(value("Type")).toBe("notify");
});

test("R41 what the check finds keeps the daemon from no start", () => {
  expect(value("ExecStartPre")).toMatch(/^-\/usr\/bin\/sortgate check /);
});

test("systemd waits longer than the daemon takes to stop", () => {
  expect(Number(value("TimeoutStopSec")) * 1_000).toBeGreaterThan(limits.stopBudgetMs);
});

test("nothing in the unit forbids what Node needs", () => {
  expect(value("MemoryDenyWriteExecute")).toBeUndefined();
  expect(value("ProcSubset")).toBeUndefined();
  expect(value("RestrictAddressFamilies")).toContain("AF_NETLINK");
});

test("the data of the daemon is for its user alone", () => {
  expect(value("UMask")).toBe("0077");
  expect(value("StateDirectoryMode")).toBe("0700");
  expect(value("LimitCORE")).toBe("0");
});

test("R39 nothing of the daemon's memory goes to a disk by itself: no core dump, no swap", () => {
  expect(value("LimitCORE")).toBe("0");
  expect(value("MemorySwapMax")).toBe("0");
});
