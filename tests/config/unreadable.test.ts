import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ConfigProblem, checkConfig } from "../../src/config/index.ts";
import { limits } from "../../src/model/limits.ts";
import { smallest } from "./sound.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sortgate-config-"));
  chmodSync(folder, 0o755);
});
afterAll(() => rmSync(folder, { recursive: true }));

function written(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function onlyProblem(path: string): Promise<ConfigProblem> {
  const checked = await checkConfig(path);
  if (checked.ok || checked.problems.length !== 1) throw new Error(JSON.stringify(checked));
  const [problem] = checked.problems;
  if (problem === undefined) throw new Error("no problem");
  expect(problem.file).toBe(path);
  expect(problem.hint).not.toBe("");
  return problem;
}

test("a file is read", async () => {
  expect((await checkConfig(written("sound.toml", smallest))).ok).toBe(true);
});

test("a file that is missing is told with the command that makes one", async () => {
  const problem = await onlyProblem(join(folder, "none.toml"));
  expect(problem).toMatchObject({ code: "config/unreadable", sentence: "there is no such file" });
  expect(problem.hint).toContain("sortgate init");
  expect((await onlyProblem(join(written("plain", ""), "x.toml"))).code).toBe("config/unreadable");
});

test("a directory, a pipe and a device node are no config files", async () => {
  mkdirSync(join(folder, "dir"));
  expect((await onlyProblem(join(folder, "dir"))).sentence).toContain("directory");
  execFileSync("/usr/bin/mkfifo", [join(folder, "pipe")]);
  expect((await onlyProblem(join(folder, "pipe"))).sentence).toContain("not a regular file");
  expect((await onlyProblem("/dev/zero")).sentence).toContain("not a regular file");
});

test("a link that leads to itself is told", async () => {
  symlinkSync(join(folder, "loop"), join(folder, "loop"));
  expect((await onlyProblem(join(folder, "loop"))).sentence).toContain("ELOOP");
});

test("a file that this user may not read is told as such", async () => {
  const path = written("secret.toml", smallest);
  chmodSync(path, 0o000);
  const isRoot = process.geteuid?.() === 0;
  // Root may read everything, so the check is made as nobody.
  if (isRoot) process.seteuid?.(65_534);
  try {
    expect(await onlyProblem(path)).toMatchObject({
      code: "config/unreadable",
      sentence: "this user may not read the file",
    });
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
});

test("an empty file is told as empty", async () => {
  for (const content of ["", "\n\n  \n", "\uFEFF"])
    expect(await onlyProblem(written("empty.toml", content))).toMatchObject({
      code: "config/invalid",
      sentence: "the file is empty",
    });
});

test("ten megabytes are refused without being read to the end", async () => {
  const problem = await onlyProblem(written("huge.toml", Buffer.alloc(10_000_000, "# x\n")));
  expect(problem).toMatchObject({ code: "config/unreadable" });
  expect(problem.sentence).toContain(String(limits.configBytesMax));
  const largest = smallest + "#".repeat(limits.configBytesMax - smallest.length);
  expect((await checkConfig(written("largest.toml", largest))).ok).toBe(true);
  expect((await onlyProblem(written("larger.toml", `${largest}#`))).code).toBe("config/unreadable");
});

test("a byte that is not UTF-8 is told with its line", async () => {
  const bytes = Buffer.concat([Buffer.from("# ä\n# ö\n# "), Buffer.from([0xe4]), Buffer.from("\n")]);
  expect(await onlyProblem(written("latin1.toml", bytes))).toMatchObject({ code: "config/invalid", line: 3 });
});

test("a NUL byte is told with its line", async () => {
  expect(await onlyProblem(written("nul.toml", '[gateway]\nsite = "a\0b"\n'))).toMatchObject({ line: 2 });
});

test("UTF-16, as Windows editors write it, is told by its name", async () => {
  const problem = await onlyProblem(written("utf16.toml", Buffer.from(`\uFEFF${smallest}`, "utf16le")));
  expect(problem.sentence).toContain("UTF-16");
});
