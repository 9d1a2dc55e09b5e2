import { assert } from "../lib/assert.ts";
import type { Json } from "../model/event.ts";

/** Deeper nesting than this is nobody's event; it keeps the recursion below far from the end of the stack. */
const depthMax = 64;
/** One event is at most 64 KiB; wrapped, escaped or indented by other systems it stays well below this. */
const textLengthMax = 1_048_576;

/**
 * The one spelling of a value: members sorted by UTF-16 code units, numbers and texts as ECMAScript writes them.
 *
 * Takes:   plain values; own enumerable members only.
 * Cost:    about 2 µs for one event.
 * Fails:   throws on what has no spelling: `undefined`, NaN, infinities, lone surrogates, nesting beyond 64.
 * Source:  RFC 8785 §3.2.
 */
export function canonicalize(value: Json): string {
  return spell(value, 0);
}

function spell(value: Json, depth: number): string {
  if (typeof value === "string") return spellText(value);
  if (typeof value === "number") {
    assert(Number.isFinite(value), "a number in an event is finite");
    return String(value);
  }
  if (value === null || typeof value === "boolean") return String(value);
  assert(typeof value === "object", "an event holds JSON only");
  assert(depth < depthMax, "an event is not nested beyond 64");
  if (isArray(value)) return `[${value.map((item) => spell(item, depth + 1)).join(",")}]`;
  let text = "";
  for (const name of sortNames(Object.keys(value))) {
    text += `${text === "" ? "{" : ","}${spellText(name)}:${spell(value[name] as Json, depth + 1)}`;
  }
  return text === "" ? "{}" : `${text}}`;
}

/** More names than this are sorted by the engine. */
const fewNames = 32;

/** Sorts in place: an event has a dozen names, nearly in order, for which `sort` takes twice as long and memory besides. */
function sortNames(names: string[]): string[] {
  if (names.length > fewNames) return names.sort();
  for (let next = 1; next < names.length; next += 1) {
    const name = names[next]!;
    let at = next;
    for (; at > 0 && names[at - 1]! > name; at -= 1) names[at] = names[at - 1]!;
    names[at] = name;
  }
  return names;
}

function spellText(text: string): string {
  if (needsNoEscape.test(text)) return `"${text}"`;
  assert(!loneSurrogate.test(text), "a text in an event has no lone surrogate");
  return JSON.stringify(text);
}

// Printable ASCII without quote and backslash: nearly every name and text in an event.
const needsNoEscape = /^[ !#-[\]-~]*$/;
// With the `u` flag paired surrogates are one character, so only lone ones match.
const loneSurrogate = /\p{Surrogate}/u;

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** Why a text is not taken as JSON. */
export type ParseRefusal = "json" | "duplicate-member" | "number" | "surrogate" | "too-deep" | "too-long";

export type Parsed = { readonly value: Json } | { readonly refused: ParseRefusal };

/**
 * JSON as I-JSON wants it, so that every reader sees the same value (RFC 7493).
 *
 * Gives:   the value, or why there is none. A member called `__proto__` is an ordinary member.
 * Cost:    linear; two passes over the text.
 * Fails:   never, whatever the text is.
 */
export function parseStrict(text: string): Parsed {
  if (text.length > textLengthMax) return { refused: "too-long" };
  // The scan comes first: it bounds the depth before anything recurses. On text that is not JSON its answer may be
  // any refusal, but it cannot accept, because JSON.parse has the last word.
  const refused = scan(text);
  if (refused !== undefined) return { refused };
  try {
    return { value: JSON.parse(text) as Json };
  } catch {
    return { refused: "json" };
  }
}

const quote = 0x22;
const backslash = 0x5c;

/** Finds what JSON.parse lets through: repeated members, numbers that change when read, lone surrogates, depth. */
function scan(text: string): ParseRefusal | undefined {
  if (loneSurrogate.test(text)) return "surrogate";
  const open: (Set<string> | undefined)[] = [];
  let nameNext = false;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === quote) {
      const end = endOfText(text, at);
      if (end === -1) return "json";
      const refused = checkText(text.slice(at, end + 1), nameNext ? open.at(-1) : undefined);
      if (refused !== undefined) return refused;
      nameNext = false;
      at = end;
    } else if (unit === 0x7b || unit === 0x5b) {
      if (open.length === depthMax) return "too-deep";
      nameNext = unit === 0x7b;
      open.push(nameNext ? new Set() : undefined);
    } else if (unit === 0x7d || unit === 0x5d) {
      open.pop();
      nameNext = false;
    } else if (unit === 0x2c) {
      nameNext = open.at(-1) !== undefined;
    } else if (unit === 0x2d || (unit >= 0x30 && unit <= 0x39)) {
      const end = endOfNumber(text, at);
      const number = Number(text.slice(at, end));
      // A dash of no number, as in `-----END`.
      if (Number.isNaN(number)) return "json";
      if (!Number.isFinite(number)) return "number";
      if (Number.isInteger(number) && !Number.isSafeInteger(number)) return "number";
      at = end - 1;
    }
  }
  return undefined;
}

/** A text with its quotes; `names` is given where the text is a member name. */
function checkText(quoted: string, names: Set<string> | undefined): ParseRefusal | undefined {
  const escaped = quoted.includes("\\");
  if (names === undefined && !escaped) return undefined;
  let text = quoted.slice(1, -1);
  if (escaped) {
    try {
      text = JSON.parse(quoted) as string;
    } catch {
      return "json";
    }
    if (loneSurrogate.test(text)) return "surrogate";
  }
  if (names?.has(text)) return "duplicate-member";
  names?.add(text);
  return undefined;
}

function endOfText(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === backslash) at += 1;
    else if (unit === quote) return at;
  }
  return -1;
}

function endOfNumber(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && "0123456789+-.eE".includes(text[at] as string)) at += 1;
  return at;
}
