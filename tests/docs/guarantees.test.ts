import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, normalize } from "node:path";
import { describe, expect, test } from "vitest";
import { read, root } from "./documents.ts";

/** A test that stands in the table: its file, and what stands in its title; without that, any title with the number. */
interface Proof {
  readonly file: string;
  readonly title: string | undefined;
}

interface Row {
  readonly guarantee: string;
  readonly proofs: readonly Proof[];
  readonly figure: string;
}

function rows(text = read("docs/guarantees.md")): Row[] {
  return [...text.matchAll(/^\| (G\d+) \| .+ \| .+ \| (.+) \| (.+) \|$/gm)].map(([, guarantee, links, figure]) => ({
    guarantee: guarantee!,
    figure: figure!,
    proofs: [...links!.matchAll(/\]\(\.\.\/(\S+?)(?: "([^"]+)")?\)/g)].map(([, file, title]) => ({
      file: file!,
      title,
    })),
  }));
}

/** Titles of the tests of a file, and of the groups that they stand in. */
function titlesOf(file: string): string[] {
  const calls = /\b(?:it|test|describe)(?:\.concurrent|\.each\([\s\S]*?\))?\(\s*(["`])(.+?)\1,/gs;
  return [...read(file).matchAll(calls)].map(([, , title]) => title!);
}

const deepFiles = readdirSync(join(root, "tests/deep"))
  .filter((name) => name.endsWith(".test.ts"))
  .map((name) => `tests/deep/${name}`);

/** Numbers of the guarantees that the tests of a deep file name, each title by its first word. */
const numbersOf = (file: string): string[] => [...new Set(titlesOf(file).map((title) => title.split(" ")[0]!))];

describe("the table of guarantees", () => {
  test("has a row for each of the 25, in order, each with a proof", () => {
    expect(rows().map(({ guarantee }) => guarantee)).toEqual(Array.from({ length: 25 }, (_, index) => `G${index + 1}`));
    expect(rows().filter(({ proofs }) => proofs.length === 0)).toEqual([]);
  });

  test("has a figure in each row, and each figure is one", () => {
    const bad = rows().filter(({ figure }) => !/\d/.test(figure) || /Infinity|NaN|undefined/.test(figure));
    expect(bad.map(({ guarantee, figure }) => `${guarantee}: ${figure}`)).toEqual([]);
  });

  test("names proofs that are there: a test with that title, or one that begins with the number", () => {
    const missing = rows().flatMap(({ guarantee, proofs }) =>
      proofs
        .filter(
          ({ file, title }) =>
            !titlesOf(normalize(file)).some((one) =>
              title === undefined ? one.startsWith(`${guarantee} `) : one.includes(title),
            ),
        )
        .map(({ file, title }) => `${guarantee}: ${file} ${title ?? ""}`),
    );
    expect(missing).toEqual([]);
  });

  test("holds every deep proof, and each of those begins with the number of its guarantee; of a requirement docs/privacy.md has it", () => {
    expect(deepFiles.length).toBeGreaterThan(10);
    const listed = new Set(rows().flatMap(({ guarantee, proofs }) => proofs.map(({ file }) => `${guarantee} ${file}`)));
    const privacy = read("docs/privacy.md");
    const absent = deepFiles
      .flatMap((file) => numbersOf(file).map((number) => `${number} ${file}`))
      .filter((one) => !listed.has(one) && !(/^R\d\d /.test(one) && privacy.includes(`(../${one.slice(4)} "`)));
    expect(absent).toEqual([]);
  });
});

test("scripts/guarantees.mjs writes the figures of a run into their rows, and nothing else", () => {
  const folder = mkdtempSync(join(tmpdir(), "sortgate-figures-"));
  try {
    const [figures, table] = [join(folder, "figures"), join(folder, "guarantees.md")];
    const before = read("docs/guarantees.md");
    writeFileSync(table, before);
    mkdirSync(figures);
    writeFileSync(join(figures, "G2 first"), "7 of 7");
    writeFileSync(join(figures, "G2 second"), "8 of 8");
    execFileSync(process.execPath, [join(root, "scripts/guarantees.mjs"), figures, table]);
    const after = rows(readFileSync(table, "utf8"));
    expect(after.find(({ guarantee }) => guarantee === "G2")?.figure).toBe("7 of 7; 8 of 8");
    const others = (all: readonly Row[]): Row[] => all.filter(({ guarantee }) => guarantee !== "G2");
    expect(others(after)).toEqual(others(rows(before)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
