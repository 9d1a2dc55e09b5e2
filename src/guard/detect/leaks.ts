import type { Field, FieldKind } from "../label/field.ts";
import { classOf, isFree } from "../label/field.ts";
import type { Search } from "./search.ts";

/** What a label shows of a person, by kind alone: what is counted, and told to whoever printed it. */
export type Leak = Exclude<
  FieldKind,
  "free" | "other" | "waybill" | "sscc" | "postcode" | "order" | "item" | "routing" | "service" | "country"
>;

/**
 * What core data stand on a label in clear.
 *
 * Takes:   `search`: what any reading of the label shows counts. `cleared`, the parcel's number if it was found: it is
 *          nobody's.
 * Gives:   the kinds in the order of the alphabet; values that are masked already are no leak.
 * Cost:    linear.
 */
export function leaksOf(search: Search, cleared?: string): readonly Leak[] {
  const { labels } = search;
  const found = new Set<Leak>();
  const looked = new Set<string>();
  for (const label of labels) {
    for (const { kind } of search.findInAll(label).findings) found.add(kind);
    for (const field of label.fields) {
      const key = `${field.kind} ${labels.length > 1 ? shared(field.value) : field.value}`;
      if (field.value === cleared || looked.has(key)) continue;
      looked.add(key);
      if (classOf[field.kind] === "core" && !isFree(field.kind) && tells(field, search)) found.add(field.kind as Leak);
      for (const { kind } of search.findIn(field, label).findings) found.add(kind);
    }
  }
  return [...found].sort();
}

/** Readings of one label have their ASCII in common; what differs are characters of one script or another. */
function shared(value: string): string {
  return /[\u3040-\u9fff]/u.test(value) ? value : value.replace(/[^ -~\u00c0-\u024f]+/gu, " ");
}

/** Whether a value that stands in the place of core data is more than a mark, a number of a list or a mask. */
function tells({ kind, value }: Field, search: Search): boolean {
  const shown = search.visible(value);
  // Three capitals are an airport or a station.
  if (kind === "name") return twoLetters.test(withoutNumbers(shown)) && !/^[A-Z]{3}$/.test(shown);
  if (kind === "phone") return sevenDigits.test(shown);
  if (kind === "email") return shown.includes("@");
  if (kind === "address" || kind === "secret" || kind === "account") return fourSigns.test(shown);
  if (kind === "birth") return fourDigits.test(shown) || /\p{L}/u.test(shown);
  return fourDigits.test(shown) && sixSigns.test(shown);
}

const twoLetters = /\p{L}\P{L}*\p{L}/u;
const fourDigits = /(?:\p{Nd}\P{Nd}*){4}/u;
const sevenDigits = /(?:\p{Nd}\P{Nd}*){7}/u;
/** Letters or digits. */
const fourSigns = /(?:[\p{L}\p{Nd}][^\p{L}\p{Nd}]*){4}/u;
const sixSigns = /(?:[\p{L}\p{Nd}][^\p{L}\p{Nd}]*){6}/u;

/** Words with several digits in them are numbers of something, not of a name. */
function withoutNumbers(shown: string): string {
  const number = /\p{Nd}{3}/u;
  if (!number.test(shown)) return shown;
  return shown
    .split(" ")
    .filter((word) => !number.test(word))
    .join(" ");
}
