import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkConfig } from "../../src/config/index.ts";
import { suiteOf } from "../../src/guard/suites/index.ts";
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

test("each of its tables that says what shows a statement has a proof in every row, or says that there is none", () => {
  const tables = text.split(/\| shown by \|\n(?:\|-+)+\|\n/).slice(1);
  const lines = tables.flatMap((table) => table.slice(0, table.indexOf("\n\n")).split("\n"));
  const unproven = lines.filter((line) => line.endsWith("| not shown by a test |"));
  expect(lines.length - unproven.length).toBe(rows.length);
  for (const line of unproven) expect(line).toMatch(/^\| the running box/);
});

test("what a thief gets, and what the law asks for, is such a table too", () => {
  for (const heading of ["What a thief gets", "Law and standards"]) {
    const section = text.split(`\n## ${heading}\n`)[1]!.split("\n## ")[0]!;
    expect(section.match(/^\|(?:-+\|)+$/gm)).toHaveLength(1);
    expect(section).toMatch(/\| shown by \|\n/);
  }
});

const makeKeys = [
  "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out centre.key",
  "openssl pkey -in centre.key -pubout -out centre.pem",
];
const makeSm2Keys = [
  "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:SM2 -out centre-sm2.key",
  "openssl pkey -in centre-sm2.key -pubout -out centre-sm2.pem",
];

test.each([
  { crypto: "intl", lines: makeKeys, files: ["centre.pem", "centre.key"] },
  { crypto: "gm", lines: makeSm2Keys, files: ["centre-sm2.pem", "centre-sm2.key"] },
] as const)(
  "its commands make keys of which the gateway takes the public one, and no other: crypto = $crypto",
  async ({ crypto, lines, files }) => {
    const folder = mkdtempSync(join(tmpdir(), "sortgate-privacy-"));
    for (const line of lines) {
      expect(text).toContain(`\n${line}\n`);
      const [command, ...args] = line.split(" ") as [string, ...string[]];
      execFileSync(command, args, { cwd: folder, stdio: "pipe" });
    }
    const told = async (file: string): Promise<string[]> => {
      const guard = `[guard]\ncore = "seal"\ncrypto = "${crypto}"\nseal_key_file = "${file}"\n`;
      const checked = await checkConfig(join(folder, "sortgate.toml"), { text: smallest + guard, namedFiles: true });
      return checked.ok ? [] : checked.problems.map(({ sentence }) => sentence);
    };
    const [publicKey, privateKey] = files;
    expect(await told(publicKey)).toEqual([]);
    expect(await told(privateKey)).toEqual(["the file holds a private key; allowed: the public one alone"]);
    // What is wrapped for the one is unwrapped by the other, as `open` does it at the centre.
    const secret = Buffer.alloc(32, 7);
    const wrapped = await suiteOf(crypto).wrap(readFileSync(join(folder, publicKey)), secret, "k");
    const opened = await suiteOf(crypto).unwrap(readFileSync(join(folder, privateKey)), wrapped, "k");
    expect(Buffer.from(opened)).toEqual(secret);
    rmSync(folder, { recursive: true });
  },
);
