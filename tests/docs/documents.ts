import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Where the repository lies. */
export const root = join(import.meta.dirname, "../..");

export function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

const foreign = new Set(["node_modules", "dist", ".git"]);

/** Every Markdown file of ours, as paths from the root. */
export function documents(folder = ""): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return foreign.has(entry.name) ? [] : documents(path);
    return entry.name.endsWith(".md") ? [path] : [];
  });
}

/** The fenced blocks of a document in one language, in their order. */
export function blocks(path: string, language: string): string[] {
  const found = read(path).matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm);
  return [...found].filter(([, word]) => word === language).map(([, , text]) => text!);
}

/** The commands of a document: the lines of its `sh` blocks, without their comments. */
export function commandLines(path: string): string[] {
  return blocks(path, "sh")
    .flatMap((block) => block.split("\n"))
    .map((line) => line.replace(/\s+# .*$/, "").trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** What stands in the first column of the tables below a heading, without its backquotes. */
export function firstColumn(path: string, heading: string): string[] {
  const text = read(path);
  const start = text.indexOf(`\n## ${heading}\n`);
  if (start === -1) throw new Error(`${path} has no heading ${heading}`);
  const end = text.indexOf("\n## ", start + 1);
  const rows = text.slice(start, end === -1 ? undefined : end).matchAll(/^\| `?([^|`]+?)`? \|/gm);
  return [...rows].map(([, cell]) => cell!);
}

/** The anchors that a document's headings make. */
export function anchors(path: string): Set<string> {
  const headings = read(path).matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}
