import { dirname, resolve } from "node:path";
import type { Finding } from "../words/problem.ts";
import { shownValue } from "../words/shown.ts";
import { type KeyPath, pathText, placeAt } from "./locate.ts";
import type { TomlNode, TomlTable } from "./parse-toml.ts";

/** The one thing that is expanded; systemd sets it for units with LoadCredential=. */
const variable = "CREDENTIALS_DIRECTORY";
const credentials = `\${${variable}}`;

export interface Expanded {
  readonly findings: Finding[];
  /** Texts that were refused; what they hold need not be judged a second time. */
  readonly refused: ReadonlySet<TomlNode>;
}

interface Sources {
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Why a text may not be expanded; nothing if it may. */
function refusal(
  key: string,
  node: TomlNode & { readonly kind: "value" },
  env: Sources["env"],
): { sentence: string; hint: string } | undefined {
  const isPath = key.endsWith("_file") || key === "data_dir";
  const found = String(node.value).match(/\$\{[^}]*\}?/g) ?? [];
  const other = found.find((part) => part !== credentials);
  if (other !== undefined)
    return {
      sentence: `found ${shownValue(key, { ...node, value: other })}; allowed: only ${credentials}`,
      hint: "write the path itself",
    };
  if (found.length === 0) return undefined;
  if (!isPath)
    return {
      sentence: `found ${credentials} where no path is expected; allowed: in keys that end in _file, and in data_dir`,
      hint: "write the value itself",
    };
  if ((env[variable] ?? "") !== "") return undefined;
  return {
    sentence: `found ${credentials}, but ${variable} is not set here`,
    hint: "use it under systemd with LoadCredential=, or set it to the directory of the files",
  };
}

/**
 * Replaces `${CREDENTIALS_DIRECTORY}` in paths, and completes relative paths of files from the config file's directory.
 *
 * Takes:  the tree, which is changed in place.
 */
export function expand(root: TomlTable, { file, env }: Sources): Expanded {
  const findings: Finding[] = [];
  const refused = new Set<TomlNode>();
  const visit = (node: TomlNode, path: KeyPath, replace: (node: TomlNode) => void): void => {
    if (node.kind === "list")
      for (const [index, item] of node.items.entries())
        visit(item, [...path, index], (changed) => void node.items.splice(index, 1, changed));
    else if (node.kind === "table")
      for (const [name, entry] of node.entries)
        visit(entry.node, [...path, name], (changed) => void node.entries.set(name, { ...entry, node: changed }));
    else if (typeof node.value === "string") {
      const key = String(path.findLast((part) => typeof part === "string") ?? "");
      const refusedFor = refusal(key, node, env);
      if (refusedFor !== undefined) {
        refused.add(node);
        findings.push({ at: placeAt(root, path), key: pathText(root, path), ...refusedFor });
        return;
      }
      const text = node.value.replaceAll(credentials, env[variable] ?? "");
      const value = key.endsWith("_file") && text !== "" ? resolve(dirname(file), text) : text;
      if (value !== node.value) replace({ ...node, value });
    }
  };
  visit(root, [], () => {});
  return { findings, refused };
}
