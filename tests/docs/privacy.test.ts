import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkConfig } from "../../src/config/index.ts";
import { smallest } from "../config/sound.ts";
import { read, root } from "./documents.ts";

const text = read("docs/privacy.md");
const rows = [...text.matchAll(/^\| (.+) \| \[[^\]]+\]\(\.\.\/(\S+) "([^"]+)"\) \|$/gm)].map(
  ([, statement, file, title]) => ({ statement: statement!, file: file!, title: title! }),
);

test("every statement of docs/privacy.md that has a proof names a test that is there", () => {
  expect(rows.length).toBeGreaterThan(15);
  for (const { statement, file, title } of rows) {
    expect(existsSync(join(root, file)), `${file}: ${statement}`).toBe(true);
    expect(title.length, statement).toBeGreaterThan(10);
    expect(read(file), `${file}: ${statement}`).toContain(title);
  }
});

test("each of its tables of statements has a proof in every row", () => {
  const tables = text.split("| statement | shown by |\n|---|---|\n").slice(1);
  const lines = tables.flatMap((table) => table.slice(0, table.indexOf("\n\n")).split("\n"));
  expect(lines.length).toBe(rows.length);
});

const makeKeys = [
  "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out centre.key",
  "openssl pkey -in centre.key -pubout -out centre.pem",
];

test("its commands make keys of which the gateway takes the public one, and no other", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sortgate-privacy-"));
  for (const line of makeKeys) {
    const [command, ...args] = line.split(" ") as [string, ...string[]];
    execFileSync(command, args, { cwd: folder, stdio: "pipe" });
  }
  const told = async (file: string): Promise<string[]> => {
    const guard = `[guard]\ncore = "seal"\nseal_key_file = "${file}"\n`;
    const checked = await checkConfig(join(folder, "sortgate.toml"), { text: smallest + guard, namedFiles: true });
    return checked.ok ? [] : checked.problems.map(({ sentence }) => sentence);
  };
  expect(await told("centre.pem")).toEqual([]);
  expect(await told("centre.key")).toEqual(["the file holds a private key; allowed: the public one alone"]);
  rmSync(folder, { recursive: true });
});
