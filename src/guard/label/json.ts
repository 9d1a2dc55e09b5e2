import { type FieldKind, Fields, type Label } from "./field.ts";
import { kindOfKey } from "./keys.ts";
import { readYtoCode } from "./sorting-code.ts";

/** Deeper than any label; what lies below is not looked at, and so nothing of it is taken. */
const depthMax = 8;

/**
 * Reads a JSON object or array, members by their names.
 *
 * Gives:   undefined for other text, broken JSON, and a lone value.
 * Cost:    linear: V8 parses without recursion, and we go down eight levels.
 */
export function readJson(text: string): Label | undefined {
  const start = text.trimStart()[0];
  if (start !== "{" && start !== "[") return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const yto = Array.isArray(value) ? undefined : readYtoCode(value as Record<string, unknown>);
  if (yto !== undefined) return yto;
  const fields = new Fields();
  addValue(fields, undefined, value, 0);
  return { format: "json", fields: fields.all };
}

/** What a text below a name is stays below it: `{"receiver":{"value":"…"}}`. */
function addValue(fields: Fields, kind: FieldKind | undefined, value: unknown, depth: number): void {
  if (typeof value === "string") fields.add(kind ?? "free", value);
  else if (typeof value === "number") fields.add(kind ?? "free", String(value));
  else if (typeof value === "object" && value !== null && depth < depthMax)
    for (const [name, inner] of Object.entries(value))
      addValue(fields, (Array.isArray(value) ? undefined : kindOfKey(name)) ?? kind, inner, depth + 1);
}
