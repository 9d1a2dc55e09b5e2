import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
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
