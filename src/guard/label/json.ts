import { type FieldKind, Fields, type Label } from "./field.ts";
import { kindOfKey } from "./keys.ts";
import { readYtoCode } from "./sorting-code.ts";

/** Deeper than any label; what lies below is not looked at, and so nothing of it is taken. */
const depthMax = 8;
/** Below that, nothing is read any more either: what is nested costs by the bracket. */
const levelsMax = 2 * depthMax;

/** An object or an array, as it is written: of members with one name JSON.parse would keep the last alone. */
interface Group {
  readonly isList: boolean;
  readonly members: (readonly [name: string, value: Value])[];
  /** Where it begins in the text, and all of it; empty if it was not read to its end, for it is too deep. */
  readonly start: number;
  text: string;
}

type Value = string | number | boolean | null | Group;

/**
 * Reads a JSON object or array, members by their names.
 *
 * Gives:   undefined for other text, broken JSON, and a lone value. Of members with one name each is a field.
 * Cost:    linear: V8 parses without recursion, and we go down eight levels.
 */
export function readJson(text: string): Label | undefined {
  const group = groupIn(text);
  if (group === undefined) return undefined;
  const yto = group.isList || group.text === "" ? undefined : readYtoCode(group.members);
  if (yto !== undefined) return yto;
  const target = { fields: new Fields(), textsLeft: textsMax };
  addValue(target, undefined, group, 0);
  return target.fields.label("json");
}

const isGroup = (value: Value): value is Group => typeof value === "object" && value !== null;

/** No label has more texts that begin like JSON; looking whether one is JSON costs by the failure. */
const textsMax = 16;

interface Target {
  readonly fields: Fields;
  textsLeft: number;
}

function addValue(target: Target, kind: FieldKind | undefined, value: Value, depth: number): void {
  const { fields } = target;
  if (typeof value === "string") addText(target, kind, value, depth);
  else if (typeof value === "number") addNumber(fields, kind, value);
  else if (isGroup(value)) {
    if (depth >= depthMax) fields.cut();
    for (const [name, inner] of value.members) {
      if (fields.isCut) return;
      if (inner !== "" && inner !== null) addValue(target, below(value, name, kind), inner, depth + 1);
    }
  }
}

/** What bears a name is what stands below it in a list, or is its value: a manager below `routing` is no routing. */
function below({ isList }: Group, name: string, kind: FieldKind | undefined): FieldKind | undefined {
  if (isList) return kind;
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
function addText(target: Target, kind: FieldKind | undefined, text: string, depth: number): void {
  const { fields } = target;
  if (!startsGroup.test(text)) {
    fields.add(kind ?? "free", text);
    return;
  }
  if (target.textsLeft === 0) fields.cut();
  target.textsLeft -= 1;
  const inner = fields.isCut ? undefined : groupIn(text);
  if (inner === undefined) fields.add(kind ?? "free", text);
  else addValue(target, kind, inner, depth + 1);
}

/** A string, which is a name if a colon follows; a bracket; or another value. */
const tokens = /("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?|[[\]{}]|[^\s,:[\]{}"]+/g;

const startsGroup = /^\s*[[{]/;

function groupIn(text: string): Group | undefined {
  if (!startsGroup.test(text) || !isJson(text)) return undefined;
  const open: Group[] = [];
  let name = "";
  let group: Group | undefined;
  for (const { 0: token, 1: string, 2: colon, index } of text.matchAll(tokens)) {
    if (colon !== undefined) name = JSON.parse(string!) as string;
    else if (token === "{" || token === "[") {
      const inner = { isList: token === "[", members: [], start: index, text: "" };
      group?.members.push([name, inner]);
      open.push(inner);
      if (open.length > levelsMax) return open[0];
      group = inner;
    } else if (token === "}" || token === "]") {
      const closed = open.pop()!;
      closed.text = text.slice(closed.start, index + 1);
      group = open.at(-1) ?? closed;
    } else group?.members.push([name, JSON.parse(token) as Value]);
  }
  return group;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
