import { normalized } from "../label/decode.ts";
import type { Field, Label } from "../label/field.ts";
import { isIdentityNumber, isTelephoneNumber } from "../personal.ts";
import { type Found, findPersonal } from "./find.ts";
import { findAddresses } from "./places.ts";

const nothing: Found = { text: "", findings: [] };

/**
 * The readings of one label, and what is somebody's in them: leaks are counted first, and masks, tokens and seals are made
 * of the same, so that each piece is searched once.
 */
export class Search {
  /** See `readLabels`. */
  readonly labels: readonly Label[];
  #place = 0;
  readonly #known = new Map<Field | Label, Found>();

  constructor(labels: readonly Label[]) {
    this.labels = labels;
  }

  /**
   * What is somebody's within a field, whatever its name says that it is; nothing where `findInAll` finds it: of a label
   * that is cut, and has all of the field in its text.
   */
  findIn(field: Field, { text }: Label): Found {
    const known = this.#known.get(field);
    if (known !== undefined) return known;
    const found = this.#isIn(text, field.value) ? nothing : searched(field);
    this.#known.set(field, found);
    return found;
  }

  /** What is somebody's in all text of a label that is cut; nothing in others, whose fields are all there is. */
  findInAll(label: Label): Found {
    if (label.text === undefined) return nothing;
    const found = this.#known.get(label) ?? findPersonal(label.text);
    this.#known.set(label, found);
    return found;
  }

  /** Fields come in the order of the text: each is looked for from where the one before stood. */
  #isIn(text: string | undefined, value: string): boolean {
    if (text === undefined) return false;
    const ahead = text.indexOf(value, this.#place);
    const place = ahead < 0 ? text.indexOf(value) : ahead;
    if (place >= 0) this.#place = place;
    return place >= 0;
  }
}

/** Numbers of orders, goods and parcels look like telephones and cards; identity numbers have a check that tells them. */
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
