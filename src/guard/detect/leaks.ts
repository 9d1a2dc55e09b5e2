import { normalized } from "../label/decode.ts";
import type { Field, FieldKind, Label } from "../label/field.ts";
import { classOf } from "../label/field.ts";
import { isIdentityNumber, isTelephoneNumber } from "../personal.ts";
import { findPersonal } from "./find.ts";
import { findAddresses } from "./places.ts";

/** What a label shows of a person, by kind alone: what is counted, and told to whoever printed it. */
export type Leak = Exclude<
  FieldKind,
  "free" | "waybill" | "sscc" | "postcode" | "order" | "item" | "routing" | "service" | "country"
>;

/** A mask: signs in place of characters, next to some that are left, or in the middle of digits. */
const mask =
  /\p{Script=Han}[*＊•●×]|\d[*＊•●×]{2,}|(?<![*＊•●×])[*＊•●×]{2,}\d|\d[xX]{3,}[\dxX]|\p{L}[*＊•●×]{2,}(?!\p{L})/u;

/**
 * What core data stand on a label in clear.
 *
 * Takes:   the readings of one label, see `readLabels`: what any of them shows counts. `cleared`, the parcel's number
 *          if it was found: it is nobody's.
 * Gives:   the kinds in the order of the alphabet; values that are masked already are no leak.
 * Cost:    linear.
 */
export function leaksOf(labels: readonly Label[], cleared?: string): readonly Leak[] {
  const found = new Set<Leak>();
  const looked = new Set<string>();
  for (const label of labels) {
    const { fields, text } = label;
    for (const { kind } of findInAll(label).findings) found.add(kind);
    for (const field of fields) {
      const key = `${field.kind} ${labels.length > 1 ? shared(field.value) : field.value}`;
      if (field.value === cleared || looked.has(key)) continue;
      looked.add(key);
      if (classOf[field.kind] === "core" && field.kind !== "free" && tells(field)) found.add(field.kind as Leak);
      // Of a label that is cut all text was searched already.
      if (text?.includes(field.value)) continue;
      for (const { kind } of findIn(field).findings) found.add(kind);
    }
  }
  return [...found].sort();
}

/** Readings of one label have their ASCII in common; what differs are characters of one script or another. */
function shared(value: string): string {
  return /[\u3040-\u9fff]/u.test(value) ? value : value.replace(/[^ -~\u00c0-\u024f]+/gu, " ");
}

type Found = ReturnType<typeof findPersonal>;

/** What was found already: leaks are counted first, and masks, tokens and seals are made of the same. */
const known = new WeakMap<Field | Label, Found>();

function once(of: Field | Label, search: () => Found): Found {
  const found = known.get(of) ?? search();
  known.set(of, found);
  return found;
}

const nothing: Found = { text: "", findings: [] };

/** What is somebody's in all text of a label that is cut; nothing in others, whose fields are all there is. */
export function findInAll(label: Label): Found {
  const { text } = label;
  return text === undefined ? nothing : once(label, () => findPersonal(text));
}

/**
 * What is somebody's within a field, whatever its name says that it is.
 *
 * Numbers of orders, goods and parcels look like telephones and cards; identity numbers have a check that tells them.
 */
export function findIn(field: Field): Found {
  return once(field, () => searched(field));
}

function searched({ kind, value }: Field): Found {
  if (kind === "waybill" || kind === "sscc") {
    const whole = isTelephoneNumber(value) ? "phone" : isIdentityNumber(value) ? "identity" : undefined;
    if (whole !== undefined) return { text: value, findings: [{ kind: whole, start: 0, end: value.length }] };
    return /^\w*$/.test(value) ? { text: value, findings: [] } : butCards(findPersonal(value));
  }
  if (kind === "item") {
    const text = normalized(value);
    return { text, findings: findAddresses(text) };
  }
  const { text, findings } = findPersonal(value);
  if (kind !== "order") return { text, findings };
  return { text, findings: findings.filter((one) => one.kind !== "phone" && one.kind !== "card") };
}

/** A parcel's number in seventy looks like a card. */
function butCards({ text, findings }: Found): Found {
  return { text, findings: findings.filter(({ kind }) => kind !== "card") };
}

/** Words with several digits in them are numbers of something. */
function lettersOfNames(shown: string): number {
  const words = shown.split(" ").filter((word) => !/\p{Nd}{3}/u.test(word));
  return words.join("").match(/\p{L}/gu)?.length ?? 0;
}

/** The words of a value that are not masked. */
export function visible(value: string): string {
  return value
    .split(/\s+/)
    .filter((word) => !mask.test(word.replace(/(?<!\*)\*+$/u, "")))
    .join(" ");
}

/** Whether a value that stands in the place of core data is more than a mark, a number of a list or a mask. */
function tells({ kind, value }: Field): boolean {
  const shown = visible(value);
  const letters = shown.match(/\p{L}/gu)?.length ?? 0;
  const digits = shown.match(/\p{Nd}/gu)?.length ?? 0;
  // Three capitals are an airport or a station.
  if (kind === "name") return lettersOfNames(shown) >= 2 && !/^[A-Z]{3}$/.test(shown);
  if (kind === "phone") return digits >= 7;
  if (kind === "address") return letters + digits >= 4;
  if (kind === "email") return shown.includes("@");
  if (kind === "secret" || kind === "account") return letters + digits >= 4;
  if (kind === "birth") return digits >= 4 || letters >= 1;
  return letters + digits >= 6 && digits >= 4;
}
