import { type AST, ParseError, parseTOML } from "toml-eslint-parser";
import { SortgateError } from "../../model/error.ts";
import type { Finding, Place } from "../words/problem.ts";
import { shownLine } from "../words/shown.ts";
import { syntaxFault } from "./syntax-fault.ts";

/** A value of the file with its place. Tables are maps, so that no name of a key can mean anything to JavaScript. */
export type TomlNode =
  | { readonly kind: "table"; readonly at: Place; readonly entries: Map<string, TomlEntry> }
  | { readonly kind: "list"; readonly at: Place; readonly items: TomlNode[] }
  | {
      readonly kind: "value";
      readonly at: Place;
      readonly value: string | number | boolean | Date;
      /** As it is written in the file. */
      readonly raw: string;
    };

interface TomlEntry {
  /** Where the key stands. */
  readonly at: Place;
  readonly node: TomlNode;
}

export type TomlTable = Extract<TomlNode, { kind: "table" }>;

export type ParsedToml =
  | { readonly ok: true; readonly root: TomlTable }
  | { readonly ok: false; readonly finding: Finding };

/** Tables and lists inside each other; the deepest of ours is the tag of a device. */
const depthMax = 16;

type KeyPart = AST.TOMLBare | AST.TOMLQuoted;

function placeOf(node: AST.HasLocs): Place {
  return { line: node.loc.start.line, column: node.loc.start.column + 1 };
}

function emptyTable(at: Place): TomlTable {
  return { kind: "table", at, entries: new Map() };
}

function nameOf(part: KeyPart): string {
  return part.type === "TOMLBare" ? part.name : part.value;
}

function refuseDepth(depth: number, at: Place): void {
  if (depth <= depthMax) return;
  throw new SortgateError("config/invalid", "values are nested too deeply", {
    hint: `use at most ${depthMax} levels; the example config shows the layout`,
    context: { line: at.line, column: at.column },
  });
}

/** The table that one part of a key or header leads to; made on the way if it is not there yet. */
function descend(from: TomlTable, part: KeyPart): TomlTable {
  const name = nameOf(part);
  const found = from.entries.get(name)?.node;
  if (found?.kind === "table") return found;
  const latest = found?.kind === "list" ? found.items.at(-1) : undefined;
  if (latest?.kind === "table") return latest;
  const made = emptyTable(placeOf(part));
  from.entries.set(name, { at: made.at, node: made });
  return made;
}

function valueNode(content: AST.TOMLValue): TomlNode {
  const written =
    "datetime" in content ? content.datetime : "number" in content ? content.number : String(content.value);
  return { kind: "value", at: placeOf(content), value: content.value, raw: written };
}

function nodeOf(content: AST.TOMLContentNode, depth: number): TomlNode {
  const at = placeOf(content);
  refuseDepth(depth, at);
  if (content.type === "TOMLArray")
    return { kind: "list", at, items: content.elements.map((element) => nodeOf(element, depth + 1)) };
  if (content.type === "TOMLValue") return valueNode(content);
  const table = emptyTable(at);
  for (const pair of content.body) put(table, pair, depth + 1);
  return table;
}

function put(table: TomlTable, pair: AST.TOMLKeyValue, depth: number): void {
  const parts = pair.key.keys;
  const last = parts.at(-1);
  if (last === undefined) return;
  refuseDepth(depth + parts.length, placeOf(last));
  const owner = parts.slice(0, -1).reduce(descend, table);
  owner.entries.set(nameOf(last), { at: placeOf(last), node: nodeOf(pair.value, depth + parts.length) });
}

function openTable(root: TomlTable, header: AST.TOMLTable): TomlTable {
  const parts = header.key.keys;
  const last = parts.at(-1);
  if (last === undefined) return root;
  const at = placeOf(header);
  refuseDepth(parts.length, at);
  const owner = parts.slice(0, -1).reduce(descend, root);
  const name = nameOf(last);
  const before = owner.entries.get(name)?.node;
  if (header.kind === "standard") {
    const table: TomlTable = before?.kind === "table" ? { ...before, at } : emptyTable(at);
    owner.entries.set(name, { at, node: table });
    return table;
  }
  const table = emptyTable(at);
  if (before?.kind === "list") before.items.push(table);
  else owner.entries.set(name, { at, node: { kind: "list", at, items: [table] } });
  return table;
}

/** The whole file as one table, and the table that its last lines belong to. */
function treeOf(program: AST.TOMLProgram): { root: TomlTable; latest: TomlTable } {
  const root = emptyTable({ line: 1, column: 1 });
  let latest = root;
  for (const part of program.body[0].body) {
    if (part.type === "TOMLKeyValue") put(root, part, 0);
    else {
      latest = openTable(root, part);
      for (const pair of part.body) put(latest, pair, part.key.keys.length);
    }
  }
  return { root, latest };
}

/** The line where the key that stands a second time at `line` was given first, if that can be told. */
function firstLine(lines: readonly string[], line: number): number | undefined {
  try {
    const { root, latest } = treeOf(parseTOML(lines.slice(0, line - 1).join("\n"), { tomlVersion: "1.0" }));
    const doubled = lines[line - 1] ?? "";
    const isHeader = /^\s*\[/.test(doubled);
    const key = isHeader ? doubled : `${doubled.slice(0, doubled.indexOf("="))} = 0`;
    const part = parseTOML(key, { tomlVersion: "1.0" }).body[0].body[0];
    let entry: TomlEntry | undefined;
    let table: TomlNode | undefined = isHeader ? root : latest;
    for (const name of part?.key.keys.map(nameOf) ?? []) {
      const inner: TomlNode | undefined = table?.kind === "list" ? table.items.at(-1) : table;
      entry = inner?.kind === "table" ? inner.entries.get(name) : undefined;
      table = entry?.node;
    }
    return entry?.at.line;
  } catch {
    // A courtesy only: where the lines before cannot be read by themselves, the second place is told alone.
    return undefined;
  }
}

/**
 * What is missing at the end of a line is reported by the parser at the start of the next one; the line itself helps more.
 *
 * Gives:  the parser's own message for the line before, or nothing if that line is complete.
 */
function missingBefore(line: string): string | undefined {
  const written = line.replace(/#[^"']*$/, "").trim();
  if (written === "") return undefined;
  if (written.endsWith("=")) return "Unspecified values are invalid";
  if (/^\[[^\]]*$/.test(written)) return "Unterminated table-key";
  return /^[A-Za-z0-9_-]+$/.test(written) ? "Expected equal (=) token" : undefined;
}

function syntaxFinding(text: string, error: ParseError): Finding {
  const lines = text.split(/\r?\n/);
  let line = Math.min(error.lineNumber, lines.length);
  let message = error.message;
  const before = error.column === 0 && line > 1 ? missingBefore(lines[line - 2] ?? "") : undefined;
  if (before !== undefined) [line, message] = [line - 1, before];
  while (line > 1 && (lines[line - 1] ?? "").trim() === "") line -= 1;
  const written = lines[line - 1] ?? "";
  const column = line === error.lineNumber ? error.column + 1 : written.trimEnd().length + 1;
  const fault = syntaxFault(message);
  const first = message.startsWith("Defining a key") ? firstLine(lines, line) : undefined;
  return {
    at: { line, column },
    key: "",
    sentence: first === undefined ? fault.sentence : `${fault.sentence}; it stands in line ${first} already`,
    hint: fault.hint,
    excerpt: shownLine(written, column),
  };
}

/**
 * Reads TOML 1.0 into a tree that knows where everything stands.
 *
 * Fails:  never; a syntax error is a finding. The parser stops at the first, so there is at most one.
 */
export function parseToml(text: string): ParsedToml {
  try {
    return { ok: true, root: treeOf(parseTOML(text, { tomlVersion: "1.0" })).root };
  } catch (error) {
    if (error instanceof ParseError) return { ok: false, finding: syntaxFinding(text, error) };
    if (error instanceof SortgateError) {
      const at = { line: Number(error.context.line), column: Number(error.context.column) };
      return { ok: false, finding: { at, key: "", sentence: error.message, hint: error.hint } };
    }
    if (error instanceof RangeError)
      return { ok: false, finding: { key: "", sentence: "values are nested too deeply", hint: "use fewer levels" } };
    throw error;
  }
}
