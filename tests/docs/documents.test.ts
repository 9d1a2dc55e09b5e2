import { existsSync, readdirSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { commands } from "../../src/cli/commands/index.ts";
import { exitCodes } from "../../src/cli/exit-code.ts";
import { createOutput } from "../../src/cli/output.ts";
import { createProgram } from "../../src/cli/program.ts";
import { configJsonSchema, type JsonSchema } from "../../src/config/schema.ts";
import { errorCodes } from "../../src/model/error.ts";
import { createVerifier } from "../../src/seal/index.ts";
import { anchors, blocks, documents, firstColumn, read, root } from "./documents.ts";

interface Link {
  readonly document: string;
  readonly target: string;
}

function links(): Link[] {
  return documents().flatMap((document) => {
    const prose = read(document).replace(/^```[\s\S]*?^```$/gm, "");
    return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => ({ document, target: target! }));
  });
}

describe("links", () => {
  test("lead to files and headings that are there", () => {
    const broken = links().filter(({ document, target }) => {
      const [path = "", anchor] = target.split("#");
      const to = path === "" ? document : normalize(join(dirname(document), path));
      if (!existsSync(join(root, to))) return true;
      return anchor !== undefined && !anchors(to).has(anchor);
    });
    expect(links().length).toBeGreaterThan(20);
    expect(broken).toEqual([]);
  });

  test("stay inside the repository", () => {
    expect(links().filter(({ target }) => /^[a-z]+:|^\//.test(target))).toEqual([]);
  });

  test("in backquotes, as folders and files, lead somewhere too", () => {
    const named = documents().flatMap((document) =>
      [...read(document).matchAll(/`((?:src|drivers|tests|config|systemd|simulator|scripts)\/[\w./-]*)`/g)].map(
        ([, path]) => ({ document, path: path! }),
      ),
    );
    const codes: ReadonlySet<string> = new Set(errorCodes);
    // The template of a new profile names a file that its reader is going to make.
    const made = "drivers/profiles/star-barcode/profile.ts";
    expect(named.filter(({ path }) => path !== made && !codes.has(path) && !existsSync(join(root, path)))).toEqual([]);
    expect(named.length).toBeGreaterThan(10);
  });
});

describe("the README", () => {
  test("explains every error of the program, and no other, in the order of the alphabet", () => {
    expect(firstColumn("README.md", "Errors").slice(1)).toEqual([...errorCodes].sort());
    const rows = [...read("README.md").matchAll(/^\| `[a-z]+\/[a-z-]+` \| (.+) \| (.+) \|$/gm)];
    for (const [row, meaning, todo] of rows)
      expect([meaning!.length > 10, todo!.length > 10], row).toEqual([true, true]);
    expect(rows).toHaveLength(errorCodes.length);
  });

  test("lists every command of the program, and no other", async () => {
    const output = createOutput({ stdout: process.stdout, stderr: process.stderr, json: false });
    const program = createProgram(output);
    for (const load of Object.values(commands)) (await load())(program, output);
    const leaves = (command: Command): string[] =>
      command.commands.length === 0
        ? [command.name()]
        : command.commands.flatMap((sub) => leaves(sub).map((name) => `${command.name()} ${name}`));
    const listed = firstColumn("README.md", "Commands").filter((cell) => cell.startsWith("sortgate "));
    expect([...listed].sort()).toEqual(leaves(program).sort());
  });

  test("lists every exit code, and no other", () => {
    const listed = firstColumn("README.md", "Commands").filter((cell) => /^\d+$/.test(cell));
    // 78 is what src/main.ts ends with before anything of the program is loaded.
    expect(listed.map(Number)).toEqual([...Object.values(exitCodes), 78]);
    expect(read("src/main.ts")).toContain("exitCode = 78");
  });

  test("names no key of the config that is not there", () => {
    const known = new Set(keysOf(configJsonSchema()));
    const prose = read("README.md").replace(/^```[\s\S]*?^```$/gm, "");
    const quoted = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, text]) => text!);
    const named = quoted.flatMap((text) => text.match(/^\{?([a-z]+(?:_[a-z]+)+)(?= = |\}|$)/)?.[1] ?? []);
    const foreign = new Set(["mosquitto_sub"]);
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((key) => !known.has(key) && !foreign.has(key))).toEqual([]);
    for (const [, key] of blocks("README.md", "toml")
      .join("\n")
      .matchAll(/^([a-z_]+) = /gm))
      expect(known).toContain(key);
  });

  test("shows an event that is well formed, as a verifier sees it", () => {
    const [example = ""] = blocks("README.md", "json");
    const verifier = createVerifier({ trust: undefined });
    verifier.push(JSON.stringify(JSON.parse(example)), 1);
    const { malformedCount, chains } = verifier.finish();
    expect(malformedCount).toBe(0);
    // Alone it proves nothing: what came before it, and the epoch event with its key, are not there.
    expect(chains[0]?.findings.map(({ kind }) => kind)).toEqual(["missing", "unknown-key"]);
  });

  test("names every topic word and close reason as the program has them", () => {
    const text = read("README.md");
    for (const word of [
      "departed",
      "stalled",
      "evicted",
      "shutdown",
      "epoch",
      "checkpoint",
      "gap",
      "alarm",
      "audit",
      "device",
      "purge",
    ])
      expect(text).toContain(`\`${word}\``);
  });

  test("shows the drawing of src/pipeline.ts, which stands nowhere else", () => {
    const strokes = (text: string): string[] =>
      text
        .split("\n")
        .map((line) => line.replace(/[*/\s]+/g, " ").trim())
        .filter((line) => line !== "");
    const [drawing = ""] = /\/\*\n[^/]*wire ─►[\s\S]*?\*\//.exec(read("src/pipeline.ts")) ?? [];
    expect(strokes(drawing)).toHaveLength(5);
    expect(strokes(blocks("README.md", "")[0] ?? "")).toEqual(strokes(drawing));
    const sources = ["src", "drivers", "simulator"].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((path) => `${folder}/${path}`),
    );
    const drawn = [...documents(), ...sources.filter((path) => path.endsWith(".ts"))].filter((path) =>
      read(path).includes("thread ─"),
    );
    expect(drawn.sort()).toEqual(["README.md", "src/pipeline.ts"]);
  });
});

test("the changelog tells what is not released yet", () => {
  expect(read("CHANGELOG.md")).toMatch(/^## Unreleased\n\n\S/m);
});

function keysOf(schema: JsonSchema): string[] {
  const below = [
    ...Object.values(schema.properties ?? {}),
    ...(schema.oneOf ?? []),
    ...(schema.items ? [schema.items] : []),
  ];
  return [...Object.keys(schema.properties ?? {}), ...below.flatMap(keysOf)];
}
