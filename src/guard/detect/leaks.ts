import type { Field, FieldKind, Label } from "../label/field.ts";
import { classOf } from "../label/field.ts";
import { findPersonal } from "./find.ts";

/** What a label shows of a person, by kind alone: what is counted, and told to whoever printed it. */
export type Leak = Exclude<
  FieldKind,
  "free" | "waybill" | "sscc" | "postcode" | "order" | "item" | "routing" | "service" | "country"
>;

/** What stands in for hidden characters. */
const hidden = /[*＊•●×]/u;

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
  for (const { fields } of labels)
    for (const field of fields) {
      if (field.value === cleared) continue;
      if (classOf[field.kind] === "core" && field.kind !== "free" && tells(field)) found.add(field.kind as Leak);
      for (const { kind } of findPersonal(field.value).findings) found.add(kind);
    }
  return [...found].sort();
}

/** Whether a value is masked already. */
export function isHidden(value: string): boolean {
  return hidden.test(value);
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
  if (kind === "birth") return letters + digits >= 1;
  return letters + digits >= 4 && digits >= 1;
}
