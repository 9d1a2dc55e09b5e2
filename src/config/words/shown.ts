import type { TomlNode } from "../toml/parse-toml.ts";

/** Longer values are cut: the place is told anyway. */
const shownCharactersMax = 60;

const secretWords = /^["']?(pass|pwd|secret|token|key|private|credential|pin|api_?key)/i;

/** Whether a key looks as if its value were a secret. Keys that name a file are not. */
function isSecretKey(key: string): boolean {
  return secretWords.test(key) && !/_file["']?$/.test(key);
}

function shortened(text: string): string {
  const characters = [...text];
  return characters.length <= shownCharactersMax ? text : `${characters.slice(0, shownCharactersMax - 1).join("")}…`;
}

/** A text with what stands before the @ of an address taken out: it may be a password. */
function withoutUserInfo(text: string): string {
  return text.replace(/:\/\/[^@\s"']*@/g, "://…@");
}

/** A text from the file as it is told: in quotes, cut, with no password in it. */
export function shownText(text: string): string {
  return JSON.stringify(shortened(withoutUserInfo(text)));
}

/** The value of a key as it is told, or a word for it where it may be a secret. */
export function shownValue(key: string, node: TomlNode): string {
  if (isSecretKey(key)) return "a value that is not shown here";
  if (node.kind === "table") return "a table";
  if (node.kind === "list") return node.items.length === 0 ? "an empty list" : `a list of ${node.items.length}`;
  if (typeof node.value !== "string") return shortened(node.raw);
  // Some write the password itself where the path of its file belongs.
  if (key === "password_file") return "a text that is not shown here";
  return shownText(node.value);
}

/**
 * One line of the file with a caret below the column.
 *
 * Gives:  nothing if the line may hold a secret.
 */
export function shownLine(line: string, column: number): readonly string[] {
  const key = /^\s*([^=\s]+)/.exec(line)?.[1] ?? "";
  const isSecret = isSecretKey(key) || line.includes("-----") || /[A-Za-z0-9+/=]{40,}/.test(line);
  if (isSecret || line.trim() === "") return [];
  const masked = withoutUserInfo(line.replace(/\s/g, " "));
  if (masked.length !== line.length) return [shortened(masked)];
  const start = Math.max(0, column - shownCharactersMax + 1);
  const part = masked.slice(start, start + shownCharactersMax);
  return [part, `${" ".repeat(Math.max(0, column - 1 - start))}^`];
}

/** The name of a key or a section as it is told: cut if it is longer than any of ours. */
export function shownName(name: string): string {
  return name === "" ? '""' : shortened(name);
}
