import type { z } from "zod";
import { nearest } from "../../lib/nearest.ts";
import type { JsonSchema } from "../schema.ts";
import { type KeyPath, nodeAt, pathText, placeAt, textAt } from "../toml/locate.ts";
import type { TomlNode, TomlTable } from "../toml/parse-toml.ts";
import type { Finding } from "../words/problem.ts";
import { shownName, shownText, shownValue } from "../words/shown.ts";

type Issue = z.core.$ZodIssue;

/** What may stand under a key. Only own keys count: the file may well hold one called `constructor`. */
function under(schema: JsonSchema | undefined, key: string): JsonSchema | undefined {
  const properties = schema?.properties;
  return properties !== undefined && Object.hasOwn(properties, key) ? properties[key] : undefined;
}

/** What may stand at a path; of the kinds of device the one that its driver names. */
function schemaAt(schema: JsonSchema, root: TomlTable, path: KeyPath): JsonSchema | undefined {
  let at: JsonSchema | undefined = schema;
  for (const [index, part] of path.entries()) {
    at = typeof part === "number" ? at?.items : under(at, part);
    if (at?.oneOf === undefined) continue;
    const driver = textAt(root, [...path.slice(0, index + 1), "driver"]);
    at = at.oneOf.find((kind) => kind.properties?.driver?.const === driver);
  }
  return at;
}

function listed(values: readonly (string | number)[]): string {
  return values.map((value) => JSON.stringify(value)).join(", ");
}

function rangeText(schema: JsonSchema): string {
  const { minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER } = schema;
  const isBounded = minimum > Number.MIN_SAFE_INTEGER && maximum < Number.MAX_SAFE_INTEGER;
  return isBounded ? ` from ${minimum} to ${maximum}` : "";
}

/** What a schema allows, in words. */
function allowedText(schema: JsonSchema | undefined): string {
  if (schema === undefined) return "another value";
  const choices = schema.enum ?? schema.anyOf?.flatMap((choice) => choice.const ?? []);
  if (choices !== undefined) return choices.length === 1 ? listed(choices) : `one of ${listed(choices)}`;
  if (schema.const !== undefined) return listed([schema.const]);
  if (schema.type === "boolean") return "true or false";
  if (schema.type === "integer") return `a whole number${rangeText(schema)}`;
  if (schema.type === "number") return `a number${rangeText(schema)}`;
  if (schema.type === "object") return `a table, ${schema.title ?? "[name]"}`;
  if (schema.type !== "array") return schema.minLength === 1 ? "a text in quotes, not empty" : "a text in quotes";
  const { items, minItems, maxItems } = schema;
  const table = items?.title ?? (items?.type === "object" ? "[[…]]" : undefined);
  if (table !== undefined) return `${minItems === 1 ? "one or more tables" : "tables"}, each with the header ${table}`;
  return `a list in brackets${maxItems === undefined ? "" : ` of at most ${maxItems}`}, each ${allowedText(items)}`;
}

/** The value that was probably meant, written as it should be: behind its key, but for an item of a list. */
function mended(key: string, node: TomlNode, schema: JsonSchema | undefined, isItem: boolean): string | undefined {
  if (node.kind !== "value" || schema === undefined) return undefined;
  const start = isItem ? "" : `${key} = `;
  if (typeof node.value !== "string") {
    const wantsText = schema.type === "string" && schema.enum === undefined;
    return wantsText && !shownValue(key, node).includes("not shown")
      ? `${start}${shownText(node.raw)}, in quotes`
      : undefined;
  }
  const words = (schema.enum ?? []).map(String);
  const near = nearest(node.value, words);
  if (near !== undefined) return `${start}${JSON.stringify(near)}`;
  const isNumber = /^-?\d+(\.\d+)?$/.test(node.value) && (schema.type === "integer" || schema.type === "number");
  const isChoice = schema.anyOf?.some((choice) => String(choice.const) === node.value) === true;
  const isBoolean = schema.type === "boolean" && /^(true|false)$/.test(node.value);
  return isNumber || isChoice || isBoolean ? `${start}${node.value}, without quotes` : undefined;
}

function hintFor(key: string, node: TomlNode, schema: JsonSchema | undefined, isItem: boolean): string {
  const better = mended(key, node, schema, isItem);
  if (better !== undefined) return `write ${better}`;
  const value = schema?.default;
  if (value === undefined || typeof value === "object") return `correct ${key}; config/README.md explains every key`;
  return `correct ${key}, or leave it out for its default, ${JSON.stringify(value)}`;
}

/** How the header of a table is written that stands below `path`; undefined for what is no table. */
function tableHeader(schema: JsonSchema | undefined, name: string, path: KeyPath = []): string | undefined {
  const at = under(schema, name);
  const full = [...path.filter((part) => typeof part === "string"), name].join(".");
  if (at?.type === "object") return `[${full}]`;
  return at?.items !== undefined && at.items.enum === undefined && at.items.type !== "string"
    ? `[[${full}]]`
    : undefined;
}

/** Tables right below `path` that know this key. */
function homesOf(schema: JsonSchema | undefined, key: string, path: KeyPath = []): string[] {
  return Object.entries(schema?.properties ?? {}).flatMap(([name, section]) => {
    const kinds = section.items?.oneOf ?? [section.items ?? section];
    return kinds.some((kind) => under(kind, key) !== undefined) ? [tableHeader(schema, name, path) ?? name] : [];
  });
}

/** Where a key that is unknown here belongs: first of all into a table of this one, whose header is missing. */
function betterHomes(schema: JsonSchema, table: JsonSchema | undefined, path: KeyPath, key: string): string[] {
  const nested = homesOf(table, key, path);
  if (nested.length > 0) return nested;
  // What one partner shall see must not become the policy for all.
  return homesOf(schema, key).filter((home) => path.at(-1) !== "view" || home !== "[guard]");
}

function hintForUnknown(schema: JsonSchema, table: JsonSchema | undefined, path: KeyPath, key: string): string {
  const known = Object.keys(table?.properties ?? {});
  if (known.includes(`${key}_file`)) return `put the value into a file and name that file: ${key}_file = "/path"`;
  const near = nearest(key, known);
  if (near !== undefined) return `write ${tableHeader(table, near, path) ?? near}`;
  if (path.at(-1) === "view" && key === "core") return "remove it; a view holds nothing of persons";
  const homes = betterHomes(schema, table, path, key);
  if (homes.length > 0) return `move ${key} below ${homes.join(" or ")}, where it belongs`;
  return `remove it; known here are ${known.map((name) => tableHeader(table, name, path) ?? name).join(", ")}`;
}

function unknownKeys(schema: JsonSchema, root: TomlTable, path: KeyPath, keys: readonly string[]): Finding[] {
  const table = schemaAt(schema, root, path);
  return keys.map((key) => ({
    at: placeAt(root, [...path, key]),
    key: pathText(root, [...path, key]),
    sentence: "found an unknown key; allowed: only known keys",
    hint: hintForUnknown(schema, table, path, shownName(key)),
  }));
}

function missing(root: TomlTable, schema: JsonSchema, path: KeyPath, own: string): Finding {
  const key = String(path.at(-1) ?? "");
  const at = schemaAt(schema, root, path);
  const header = tableHeader(schemaAt(schema, root, path.slice(0, -1)), key, path.slice(0, -1));
  const place = { at: placeAt(root, path), key: pathText(root, path) };
  if (at?.default !== undefined)
    return {
      ...place,
      sentence: `found ${JSON.stringify(at.default)}, the default; allowed: ${own === "" ? allowedText(at) : own}`,
      hint: `add ${key} with a value that fits`,
    };
  return {
    ...place,
    sentence: `found nothing; allowed: ${own === "" ? allowedText(at) : own}`,
    hint: header === undefined ? `add the line ${key} = …` : `add ${header} with its keys, as in the example config`,
  };
}

function explainIssue(schema: JsonSchema, root: TomlTable, issue: Issue): Finding[] {
  const path = issue.path.map((part) => (typeof part === "number" ? part : String(part)));
  if (issue.code === "unrecognized_keys") return unknownKeys(schema, root, path, issue.keys);
  // A device of no known driver has no schema of its own, so its choices come with the issue.
  const drivers = issue.code === "invalid_union" && Array.isArray(issue["options" as keyof typeof issue]);
  const at: JsonSchema | undefined = drivers
    ? { type: "string", enum: (issue as unknown as { options: string[] }).options }
    : schemaAt(schema, root, path);
  const node = nodeAt(root, path);
  if (node === undefined && !drivers) return [missing(root, schema, path, issue.message)];
  const key = String(path.findLast((part) => typeof part === "string") ?? "");
  const allowed = issue.message === "" ? allowedText(at) : issue.message;
  const found = node === undefined ? "nothing" : shownValue(key, node);
  return [
    {
      at: placeAt(root, path),
      key: pathText(root, path),
      sentence: `found ${found}; allowed: ${allowed}`,
      hint: node === undefined ? `add the line ${key} = …` : hintFor(key, node, at, typeof path.at(-1) === "number"),
    },
  ];
}

/**
 * Puts what the schemas found into words for a technician.
 *
 * Takes:  issues without messages of zod's own: an empty message stands for "nothing to add".
 *         `refused` are values that are told already.
 */
export function explainIssues(
  schema: JsonSchema,
  root: TomlTable,
  issues: readonly Issue[],
  refused: ReadonlySet<TomlNode>,
): Finding[] {
  const findings = issues.flatMap((issue) => {
    const node = nodeAt(root, issue.path as KeyPath);
    return node !== undefined && refused.has(node) ? [] : explainIssue(schema, root, issue);
  });
  // A value may break two rules that are told in the same words.
  const told = new Set<string>();
  return findings.filter(({ key, sentence }) => {
    const text = `${key} ${sentence}`;
    return !told.has(text) && told.add(text);
  });
}
