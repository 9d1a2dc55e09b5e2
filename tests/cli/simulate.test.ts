import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkConfig } from "../../src/config/index.ts";
import { runBuilt } from "./run-here.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sortgate-simulate-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("simulate keeps a file that exists, unless --force is given", async () => {
  const path = join(folder, "mine.toml");
  writeFileSync(path, "mine");
  const refused = await runBuilt(["simulate", "--config-out", path, "--seconds", "1"]);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(/^Error: Cannot write .*mine\.toml: it exists already\nTry: .*--force\n$/);
  expect(refused.stdout).toBe("");
  expect(readFileSync(path, "utf8")).toBe("mine");
  expect((await runBuilt(["simulate", "--config-out", path, "--seconds", "1", "--force"])).code).toBe(0);
  expect(readFileSync(path, "utf8")).toContain("[[device]]");
});

test("simulate writes a new file that is a sound config", async () => {
  const path = join(folder, "virtual-line.toml");
  expect((await runBuilt(["simulate", "--config-out", path, "--seconds", "1"])).code).toBe(0);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect((await checkConfig(path)).ok).toBe(true);
});
