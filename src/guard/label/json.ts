import { amongOthers, type FieldKind, Fields, type Label } from "./field.ts";
import { isBars, isOfAnother, kindOfKey, ownerOfBars } from "./keys.ts";
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
  addValue(target, top, group, 0);
  return target.fields.label("json");
}

const isGroup = (value: Value): value is Group => typeof value === "object" && value !== null;

/** No label has more texts that begin like JSON; looking whether one is JSON costs by the failure. */
const textsMax = 16;

interface Target {
  readonly fields: Fields;
  textsLeft: number;
}

/** What is known of a value by the names above it. */
interface Place {
  readonly kind: FieldKind | undefined;
  /** It belongs to another parcel, whatever is named in between. */
  readonly isOthers: boolean;
  /** It belongs to an order: of its numbers only the one that is called a parcel's is. */
  readonly isOrders: boolean;
  /** What bars are: those of a person, of goods, or of an order. */
  readonly bars: FieldKind | undefined;
}

const top: Place = { kind: undefined, isOthers: false, isOrders: false, bars: undefined };

function addValue(target: Target, place: Place, value: Value, depth: number): void {
  const { fields } = target;
  if (typeof value === "string") addText(target, place, value, depth);
  else if (typeof value === "number") addNumber(fields, place.kind, value);
  else if (isGroup(value)) {
    if (depth >= depthMax) fields.cut();
    for (const [name, inner] of value.members) {
      if (fields.isCut) return;
      if (inner !== "" && inner !== null) addValue(target, below(value, name, inner, place), inner, depth + 1);
    }
  }
}

/** What bears a name is what stands below it in a list, or is its value: a manager below `routing` is no routing. */
function below({ isList }: Group, name: string, inner: Value, place: Place): Place {
  if (isList) return place;
  const named = kindOfKey(name);
  const kind = kindBelow(name, named, place);
  if (!isGroup(inner) && !(typeof inner === "string" && startsGroup.test(inner))) return { ...place, kind };
  const isOthers = place.isOthers || isOfAnother(name);
  const isOrders = place.isOrders || named === "order";
  return { kind, isOthers, isOrders, bars: ownerOfBars(name) ?? place.bars };
}

function kindBelow(name: string, named: FieldKind | undefined, place: Place): FieldKind | undefined {
  const { kind, isOthers, isOrders, bars } = place;
  if (named === "waybill" && bars !== undefined && isBars(name)) return bars;
  if (kind !== undefined && partName.test(name) && (named === undefined || named === "other")) return kind;
  if (isOthers) return amongOthers(named);
  return named ?? (isOrders ? "other" : undefined);
}

/** Names of what is the same as what bears the name above. */
const partName = /^(?:value|text|code|no|number|full|first|last|given|family)$/i;

/** Digits beyond what a number of JSON holds are lost already: with another number nobody is served. */
function addNumber(fields: Fields, kind: FieldKind | undefined, value: number): void {
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) fields.cut();
  else fields.add(kind ?? "free", String(value));
}

/** JSON within a text of JSON is taken apart too. */
function addText(target: Target, place: Place, text: string, depth: number): void {
  const { fields } = target;
  const kind = place.kind ?? "free";
  if (!startsGroup.test(text)) {
    fields.add(kind, text);
    return;
  }
  if (target.textsLeft === 0) fields.cut();
  target.textsLeft -= 1;
  const inner = fields.isCut ? undefined : groupIn(text);
  if (inner === undefined) fields.add(kind, text);
  else addValue(target, place, inner, depth + 1);
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
