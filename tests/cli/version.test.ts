import { execFileSync } from "node:child_process";
import { chmodSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { optionsOfFirstLine } from "../first-line.ts";
import { builtMain, runBuilt, runHere } from "./run-here.ts";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

test("the version is that of package.json, in the source as in the build", async () => {
  const here = await runHere("version");
  expect(here).toMatchObject({ code: 0, stderr: "" });
  expect(here.stdout).toBe(
    `sortgate ${version} (Node ${process.versions.node}, ${process.platform}-${process.arch})\n`,
  );
  expect((await runBuilt(["version"])).stdout).toBe(here.stdout);
});

test("--json gives the same facts to programs", async () => {
  const { code, stdout } = await runHere("version", "--json");
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    version,
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
  });
});

test("the build starts by its own name, and its first line keeps V8's young generation small, with which T19 is measured", () => {
  chmodSync(builtMain, 0o755);
  expect(execFileSync(builtMain, ["version"], { encoding: "utf8" })).toContain(`sortgate ${version} (`);
  expect(optionsOfFirstLine(builtMain)).toEqual(["--max-semi-space-size=4"]);
});
