import type { Field, FieldKind, Label } from "../label/field.ts";
import { classOf } from "../label/field.ts";
import { isTelephoneNumber } from "../personal.ts";
import { findPersonal } from "./find.ts";
import { findMailAddresses } from "./mail.ts";
import { findAddresses } from "./places.ts";

/** What a label shows of a person, by kind alone: what is counted, and told to whoever printed it. */
export type Leak = Exclude<
  FieldKind,
  "free" | "waybill" | "sscc" | "postcode" | "order" | "item" | "routing" | "service" | "country"
>;

/** A mask: signs in place of characters, next to some that are left, or in the middle of digits. */
const mask = /\p{Script=Han}[*＊•●×]|\d[*＊•●×]{2,}|[*＊•●×]{2,}\d|\d[xX]{3,}[\dxX]|\p{L}[*＊•●×]{2,}(?!\p{L})/u;

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
  const searched = new Set<string>();
  for (const { fields, text } of labels) {
    if (text !== undefined) for (const { kind } of findPersonal(text).findings) found.add(kind);
    for (const field of fields) {
      // Readings of one label have much in common.
      const key = `${field.kind} ${field.value}`;
      if (field.value === cleared || searched.has(key)) continue;
      searched.add(key);
      if (classOf[field.kind] === "core" && field.kind !== "free" && tells(field)) found.add(field.kind as Leak);
      for (const kind of kindsIn(field)) found.add(kind);
    }
  }
  return [...found].sort();
}

/** Numbers of orders, goods and parcels look like telephones and cards, and are none unless they are so as a whole. */
function kindsIn({ kind, value }: Field): readonly Leak[] {
  if (kind === "waybill" || kind === "sscc") return isTelephoneNumber(value) ? ["phone"] : [];
  if (kind !== "order" && kind !== "item") return findPersonal(value).findings.map((finding) => finding.kind);
  return [...findMailAddresses(value), ...findAddresses(value)].map((finding) => finding.kind);
}

/** Whether a value is masked already. */
export function isHidden(value: string): boolean {
  return mask.test(value.replace(/[*\s]+$/u, ""));
}

/** Whether a value that stands in the place of core data is more than a mark, a number of a list or a mask. */
function tells({ kind, value }: Field): boolean {
  if (isHidden(value)) return false;
  const letters = value.match(/\p{L}/gu)?.length ?? 0;
  const digits = value.match(/\p{Nd}/gu)?.length ?? 0;
  if (kind === "name") return letters >= 2;
  if (kind === "phone") return digits >= 7;
  if (kind === "address") return letters + digits >= 4;
  if (kind === "email") return value.includes("@");
  if (kind === "secret") return letters + digits >= 4;
  if (kind === "birth") return digits >= 4 || letters >= 1;
  return letters + digits >= 6 && digits >= 4;
}
