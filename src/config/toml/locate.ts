import type { Place } from "../words/problem.ts";
import { shownName } from "../words/shown.ts";
import type { TomlNode, TomlTable } from "./parse-toml.ts";

/** The way to a value: names of keys, and numbers of items counting from 0. */
export type KeyPath = readonly (string | number)[];

/** A plain value for the schemas. Its objects have no prototype, so a key named `__proto__` is a key like any other. */
export function plainValue(node: TomlNode): unknown {
  if (node.kind === "value") return node.value;
  if (node.kind === "list") return node.items.map(plainValue);
  const object: Record<string, unknown> = Object.create(null);
  for (const [name, entry] of node.entries) object[name] = plainValue(entry.node);
  return object;
}

function step(node: TomlNode | undefined, part: string | number): TomlNode | undefined {
  if (node?.kind === "table") return node.entries.get(String(part))?.node;
  return node?.kind === "list" ? node.items[Number(part)] : undefined;
}

/** The node at the end of a path, if the file has it. */
export function nodeAt(root: TomlNode, path: KeyPath): TomlNode | undefined {
  return path.reduce<TomlNode | undefined>(step, root);
}

/** Where a key stands; for a key that is missing, the header of the table that lacks it. */
export function placeAt(root: TomlNode, path: KeyPath): Place {
  let place = root.at;
  let node: TomlNode | undefined = root;
  for (const part of path) {
    const entry = node?.kind === "table" ? node.entries.get(String(part)) : undefined;
    node = step(node, part);
    if (node === undefined) return place;
    // The header of an item says more than the key of the list; the key of a value says more than the value.
    place = entry !== undefined && node.kind !== "table" ? entry.at : node.at;
  }
  return place;
}

/** The text of a key, if it is a text. */
export function textAt(root: TomlNode, path: KeyPath): string | undefined {
  const node = nodeAt(root, path);
  return node?.kind === "value" && typeof node.value === "string" ? node.value : undefined;
}

/** A path for a person: `device "scanner-1" > baud_rate`, or `device 2 > baud_rate` while it has no name. */
export function pathText(root: TomlNode, path: KeyPath): string {
  const parts: string[] = [];
  for (const [index, part] of path.entries()) {
    if (typeof part === "string") parts.push(shownName(part));
    else {
      const name = textAt(root, [...path.slice(0, index + 1), "name"]);
      parts.push(`${parts.pop() ?? ""} ${name === undefined ? part + 1 : JSON.stringify(shownName(name))}`);
    }
  }
  return parts.join(" > ");
}

/** The tables of a list such as `[[device]]`, with their paths. What is not a table is left to the schemas. */
export function tablesOf(root: TomlTable, section: string): { path: KeyPath; table: TomlTable }[] {
  const list = root.entries.get(section)?.node;
  if (list?.kind !== "list") return [];
  return list.items.flatMap((item, index) => (item.kind === "table" ? [{ path: [section, index], table: item }] : []));
}
