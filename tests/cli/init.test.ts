import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkConfig, exampleConfig } from "../../src/config/index.ts";
import { runHere } from "./run-here.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sortgate-init-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("init writes one file, which check finds fine", async () => {
  const path = join(folder, "new", "sortgate.toml");
  mkdirSync(join(folder, "new"));
  const { code, stdout, stderr } = await runHere("init", path, "--site", "HZ01", "--id", "line-3");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain(`Wrote ${path}`);
  expect(readdirSync(join(folder, "new"))).toEqual(["sortgate.toml"]);
  expect((await runHere("check", "--config", path)).code).toBe(0);
  const checked = await checkConfig(path);
  expect(checked.ok && checked.config.gateway).toMatchObject({ site: "HZ01", id: "line-3" });
});

test("the path may stand in --config", async () => {
  const path = join(folder, "by-option.toml");
  expect((await runHere("init", "--config", path)).code).toBe(0);
  expect(readFileSync(path, "utf8")).toBe(exampleConfig());
});

test("- writes to stdout and touches no file", async () => {
  expect(await runHere("init", "-")).toEqual({ code: 0, stdout: exampleConfig(), stderr: "" });
});

test("a file that exists is kept, unless --force is given", async () => {
  const path = join(folder, "mine.toml");
  writeFileSync(path, "mine");
  const refused = await runHere("init", path);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain("it exists already");
  expect(refused.stderr).toMatch(/^Try: .*--force/m);
  expect(readFileSync(path, "utf8")).toBe("mine");
  expect((await runHere("init", path, "--force")).code).toBe(0);
  expect(readFileSync(path, "utf8")).toBe(exampleConfig());
});

test("a name that does not fit is refused before anything is written", async () => {
  const path = join(folder, "unwritten.toml");
  for (const argv of [
    ["--site", "HZ 01"],
    ["--id", 'a"\nx = 1'],
    ["--id", ""],
  ]) {
    const { code, stderr } = await runHere("init", path, ...argv);
    expect(code).toBe(2);
    expect(stderr).toContain(`${argv[0]} has to be 1 to 64 letters`);
  }
  expect(readdirSync(folder)).not.toContain("unwritten.toml");
});

test("a place that cannot be written is told with its reason", async () => {
  const missing = await runHere("init", join(folder, "none", "a.toml"));
  expect(missing).toMatchObject({ code: 2 });
  expect(missing.stderr).toMatch(/its directory does not exist\nTry: .*mkdir/);
  for (const argv of [[folder], [folder, "--force"]])
    expect((await runHere("init", ...argv)).stderr).toContain("it is a directory");
});

test("--json tells where the file is", async () => {
  const path = join(folder, "json.toml");
  expect(JSON.parse((await runHere("init", path, "--json")).stdout)).toEqual({ file: path });
  expect(JSON.parse((await runHere("init", path, "--json")).stdout)).toMatchObject({
    error: { code: "config/exists" },
  });
});
