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
  const value = parsed(text);
  if (value === undefined) return undefined;
  const yto = Array.isArray(value) ? undefined : readYtoCode(value as Record<string, unknown>);
  if (yto !== undefined) return yto;
  const fields = new Fields();
  addValue(fields, undefined, value, 0);
  return fields.label("json");
}

function addValue(fields: Fields, kind: FieldKind | undefined, value: unknown, depth: number): void {
  if (typeof value === "string") addText(fields, kind, value, depth);
  else if (typeof value === "number") addNumber(fields, kind, value);
  else if (typeof value === "object" && value !== null) {
    if (depth >= depthMax) fields.cut();
    else
      for (const [name, inner] of Object.entries(value)) addValue(fields, below(value, name, kind), inner, depth + 1);
  }
}

/** What bears a name is what stands below it in a list, or is its value: a manager below `routing` is no routing. */
function below(value: object, name: string, kind: FieldKind | undefined): FieldKind | undefined {
  if (Array.isArray(value)) return kind;
  const named = kindOfKey(name);
  // Below a return, or a reference, no number is the parcel's own.
  const own = kind === "order" && (named === undefined || named === "waybill") ? "order" : named;
  if (own !== undefined || kind === undefined) return own;
  return /^(?:value|text|code|no|number|full|first|last|given|family)$/i.test(name) ? kind : undefined;
}

/** Digits beyond what a number of JSON holds are lost already: with another number nobody is served. */
function addNumber(fields: Fields, kind: FieldKind | undefined, value: number): void {
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) fields.cut();
  else fields.add(kind ?? "free", String(value));
}

/** JSON within a text of JSON is taken apart too. */
function addText(fields: Fields, kind: FieldKind | undefined, text: string, depth: number): void {
  const inner = /^\s*[[{]/.test(text) ? parsed(text) : undefined;
  if (inner === undefined) fields.add(kind ?? "free", text);
  else addValue(fields, kind, inner, depth + 1);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
