import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openSmallDisk, type SmallDisk } from "../fakes/small-disk.ts";

let dir: string;
let disk: SmallDisk;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "sortgate-full-"));
  disk = await openSmallDisk(join(dir, "disk"), "16m");
});
afterEach(async () => {
  await disk.close();
  rmSync(dir, { recursive: true, force: true });
});

function run(scenario: string): void {
  const [first, ...rest] = disk.under as [string, ...string[]];
  const script = join(import.meta.dirname, "full-disk.scenario.mjs");
  const done = spawnSync(first, [...rest, process.execPath, script, join(dir, "disk"), scenario], { encoding: "utf8" });
  expect(done.stderr).toBe("");
  expect(done.status).toBe(0);
}

it.each([
  ["takes the largest commit into the room of what it destroys, again and again", "largest"],
  ["takes a ledger of the version before over when not a page is left", "upgrade"],
  ["takes settled cursors and the ledger's own records when not a page is left", "own"],
])("a full disk %s", (_, scenario) => run(scenario));

it("a disk that is mounted read-only is told as that", () => run("readOnly"));
