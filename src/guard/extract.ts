import { isS10 } from "../model/code/s10.ts";
import { isSscc } from "../model/code/sscc.ts";
import { candidates } from "../model/code/waybill.ts";
import type { Search } from "./detect/search.ts";
import { type Field, type FieldKind, isSomebodys, isTextual, type Label, type LabelFormat } from "./label/field.ts";
import { normalized } from "./label/normalized.ts";
import { isCalledOther } from "./label/words-before.ts";
import { isAmbiguousInLabel, isAmbiguousWaybill, isIdentityNumber, mayBePersons } from "./personal.ts";
import type { CarrierName } from "./settings.ts";

/** What of a label may leave: the number of the parcel, and where and how it is to go. */
export interface Extract {
  readonly codeClass: "waybill" | "sscc";
  readonly code: string;
  /** Of a waybill; empty for an SSCC. */
  readonly carriers: readonly CarrierName[];
  readonly format: LabelFormat;
  readonly routing: readonly string[];
  readonly service: string | undefined;
}

/** Carriers whose own labels say where a parcel goes, in codes that the parser has proven to be such. */
const carrierFormats: ReadonlySet<LabelFormat> = new Set(["sf-mmm", "yto-json", "ups-maxicode", "fedex-pdf417"]);
const routingMax = 4;
/** Labels whose numbers stand in a place of their own. */
const placed: ReadonlySet<LabelFormat> = new Set(["ups-maxicode", "fedex-pdf417", "usps-impb"]);

/**
 * Shapes that begin with letters of their own: such a number is a waybill wherever it stands, also in a sentence; but not
 * beside a character that was lost.
 */
const lettered =
  /(?<![0-9A-Za-z\ufffd])(?:SF[A-Z0-9]\d{12}|YT\d{13}|JD[A-Z0-9]{2}\d{11}|JT\d{13}|DPK\d{12}|1Z[0-9A-Z]{16}|[A-Z]{2}\d{9}[A-Z]{2})(?![0-9A-Za-z\ufffd])/gi;
/** Words of a field that are looked at. */
const wordsMax = 64;

/** Of a label with more fields that are called a waybill nothing is taken. */
const callingMax = 16;

type Waybills = Map<string, readonly CarrierName[]>;

/** Where the numbers of a text go. */
interface Target {
  readonly waybills: Waybills;
  readonly others: Set<string>;
}

/**
 * Takes out of a label what may leave in clear: its waybill, or its SSCC.
 *
 * Takes:   the search within the readings of one label; `configured`, the shapes that the site lets out.
 * Gives:   undefined if there is none, or several, of whichever carrier, or the readings differ: then nobody can tell
 *          which is the parcel's.
 * Cost:    linear.
 */
export function extract(search: Search, configured: ReadonlySet<CarrierName>): Extract | undefined {
  const { labels } = search;
  if (labels.some(({ isCut }) => isCut)) return undefined;
  const all = labels.map((label) => numbersOf(label, search));
  const found = all.filter(({ codes }) => codes.size > 0);
  const [first] = found;
  const codes = new Set(found.flatMap((numbers) => [...numbers.codes.keys()]));
  if (first === undefined || codes.size !== 1) return undefined;
  const [[code, names]] = [...first.codes] as [[string, readonly CarrierName[]]];
  if (all.some(({ isUnsure }) => isUnsure) || labels.some((label) => callsPersons(label, code))) return undefined;
  if (found.every(({ isCalled }) => !isCalled) && all.some((numbers) => callsOther(numbers, code))) return undefined;
  const carriers = names.filter((name) => configured.has(name));
  if (carriers.length === 0) return undefined;
  const { codeClass, label } = first;
  return { codeClass, code, carriers: codeClass === "sscc" ? [] : carriers, format: label.format, ...waysOf(label) };
}

interface Numbers {
  readonly label: Label;
  readonly codeClass: "waybill" | "sscc";
  readonly codes: Waybills;
  /** Numbers that words before them call something else. */
  readonly others: ReadonlySet<string>;
  /** By its place or its name, and not by its looks alone. */
  readonly isCalled: boolean;
  /** What else is called a waybill is a number of no known shape: it may as well be the parcel's. */
  readonly isUnsure: boolean;
}

/** Whether a reading calls a number somebody's: it is never a parcel's then, whatever else calls it. */
function callsPersons({ fields }: Label, code: string): boolean {
  return fields.some(({ kind, value }) => isSomebodys(kind) && holds(value, code));
}

/** Whether a reading calls a number another one's, or, if it is not found there, something else the waybill. */
function callsOther({ label, codes, others, isCalled }: Numbers, code: string): boolean {
  if ((isCalled && codes.size === 0) || others.has(code)) return true;
  return label.fields.some(({ kind, value }) => isAnothers(kind) && holds(value, code));
}

function holds(value: string, code: string): boolean {
  return normalized(value).toUpperCase().includes(code);
}

function isAnothers(kind: FieldKind): boolean {
  return kind === "order" || kind === "other";
}

/** The numbers of a label that a parcel may have: those that it calls so, else an SSCC, else those that look so. */
function numbersOf(label: Label, search: Search): Numbers {
  const { format, fields } = label;
  const calling = fields.filter(({ kind }) => kind === "waybill");
  const others = new Set<string>();
  const called: Waybills = new Map();
  let isUnsure = calling.length > callingMax;
  for (const { value } of isUnsure ? [] : calling)
    if (!addCalled({ waybills: called, others }, value, format, search)) isUnsure ||= isNumber(value);
  // What calls itself a waybill and is none that is known must not give way to another number; words may.
  if (calling.some(({ value }) => /\p{Nd}/u.test(value)))
    return { label, codeClass: "waybill", codes: called, others, isCalled: true, isUnsure };
  const ssccs: Waybills = new Map();
  for (const { kind, value } of fields) if (kind === "sscc" && isClearSscc(value)) ssccs.set(value, ["sscc"]);
  if (ssccs.size > 0) return { label, codeClass: "sscc", codes: ssccs, others, isCalled: true, isUnsure };
  const looking: Waybills = new Map();
  for (const field of fields) if (mayHold(field, format)) addLettered({ waybills: looking, others }, field.value);
  return { label, codeClass: "waybill", codes: looking, others, isCalled: false, isUnsure };
}

/**
 * Whether a parcel's number may stand in a field that says nothing of it: in text, and unmistakably also behind the name of
 * somebody; but what GS1 calls a name is one.
 */
function mayHold({ kind }: Field, format: LabelFormat): boolean {
  return kind === "free" || (isTextual(kind) && !format.startsWith("gs1"));
}

/** Whether what is called a waybill is a number, and no count, carrier or word. */
function isNumber(value: string): boolean {
  return /(?:\d\D*){5}/.test(normalized(value));
}

/** Gives whether there is any. What is called a waybill may be digits alone, in groups too. */
function addCalled(target: Target, value: string, format: LabelFormat, search: Search): boolean {
  if (addLettered(target, value)) return true;
  // Groups put together must not be a telephone with something behind it.
  if (search.find(value).findings.some(({ kind }) => kind !== "name")) return false;
  const joined = value.replace(/[\s-]/g, "").toUpperCase();
  const whole = joined === value || !fewDigits.test(joined) ? clearCarriers(joined, format) : [];
  if (whole.length === 0) return addWords(target, value, format);
  target.waybills.set(joined, whole);
  return true;
}

/** Gives whether there is any: each number of the parcel's shape that no words before it call another's. */
function addWords({ waybills }: Target, value: string, format: LabelFormat): boolean {
  let isFound = false;
  let at = 0;
  for (const word of value.split(/[\s()（）/]+/, wordsMax)) {
    if (waybills.size > 1) break;
    at = value.indexOf(word, at);
    const carriers = waybills.get(word) ?? clearCarriers(word, format);
    if (carriers.length > 0 && !isCalledOther(value, at)) {
      waybills.set(word, carriers);
      isFound = true;
    }
    at += word.length;
  }
  return isFound;
}

/**
 * Gives whether there is any. A number that is hidden, in full width or with signs within that nobody sees, does not
 * leave, nor does another beside it.
 */
function addLettered({ waybills, others }: Target, value: string): boolean {
  let isFound = false;
  const text = normalized(value);
  for (const { 0: match, index } of text.matchAll(lettered)) {
    // Of several none is taken.
    if (waybills.size > 1) break;
    const code = match.toUpperCase();
    if (isCalledOther(text, index)) {
      others.add(code);
      continue;
    }
    const carriers = isS10(code) ? (["s10"] as const) : candidates(code);
    if (carriers.length === 0 || isAmbiguousWaybill(code, undefined)) continue;
    waybills.set(code, value.includes(match) ? carriers : (waybills.get(code) ?? []));
    isFound = true;
  }
  return isFound;
}

/** Whose number a word may be; none if it may as well be a person's. */
function clearCarriers(word: string, format: LabelFormat): readonly CarrierName[] {
  const carriers = carriersOf(word, format);
  if (carriers.length === 0) return carriers;
  const isAmbiguous = placed.has(format) ? isAmbiguousWaybill(word, undefined) : isAmbiguousInLabel(word);
  return isAmbiguous ? [] : carriers;
}

/** Digits alone that say little once groups of them are put together. */
const fewDigits = /^\d{12,13}$/;

/** Carriers whose own labels prove that a number is theirs, though it has no shape that would tell it from others. */
const proven: Partial<Record<LabelFormat, readonly [CarrierName, RegExp]>> = {
  "sf-mmm": ["sf", /^\d{12}$/],
  // With a zero before it, it is a telephone with its extension.
  "yto-json": ["yto", /^[1-9]\d{14,17}$/],
};

function carriersOf(word: string, format: LabelFormat): readonly CarrierName[] {
  const [carrier, shape] = proven[format] ?? [];
  if (carrier !== undefined && shape?.test(word) && !mayBePersons(word)) return [carrier];
  return isS10(word) ? ["s10"] : candidates(word);
}

function isClearSscc(digits: string): boolean {
  return isSscc(digits) && !isIdentityNumber(digits);
}

function waysOf({ format, fields }: Label): Pick<Extract, "routing" | "service"> {
  const known = carrierFormats.has(format) ? fields : [];
  const routing = known.filter(({ kind }) => kind === "routing").map(({ value }) => value);
  return { routing: routing.slice(0, routingMax), service: known.find(({ kind }) => kind === "service")?.value };
}
