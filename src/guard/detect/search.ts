import type { Field, Label } from "../label/field.ts";
import { normalized } from "../label/normalized.ts";
import { isIdentityNumber, isTelephoneNumber } from "../personal.ts";
import { type Found, findPersonal } from "./find.ts";
import { visible } from "./masked.ts";
import { findAddresses } from "./places.ts";

const missesMax = 8;
const nothing: Found = { text: "", findings: [] };

/**
 * The readings of one label, and what is somebody's in them: leaks are counted first, and masks, tokens and seals are made
 * of the same, so that each piece is searched once.
 */
export class Search {
  /** See `readLabels`. */
  readonly labels: readonly Label[];
  #place = 0;
  #missCount = 0;
  readonly #known = new Map<Field | Label, Found>();
  readonly #texts = new Map<string, Found>();
  readonly #shown = new Map<string, string>();

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
    const found = this.#isIn(text, field.value) ? nothing : this.#searched(field);
    this.#known.set(field, found);
    return found;
  }

  /** What is somebody's in a text, of whichever kind: readings of a label have most of theirs in common. */
  find(text: string): Found {
    const known = this.#texts.get(text) ?? findPersonal(text);
    this.#texts.set(text, known);
    return known;
  }

  /** What is somebody's in all text of a label that is cut; nothing in others, whose fields are all there is. */
  findInAll(label: Label): Found {
    if (label.text === undefined) return nothing;
    const found = this.#known.get(label) ?? this.find(label.text);
    this.#known.set(label, found);
    return found;
  }

  /** The words of a value that are not masked, see `visible`. */
  visible(value: string): string {
    const known = this.#shown.get(value) ?? visible(value);
    this.#shown.set(value, known);
    return known;
  }

  /**
   * Fields come in the order of the text: each is looked for from where the one before stood. Where several were not
   * there, all of the label may be written in another way than its fields, and looking costs the text for each.
   */
  #isIn(text: string | undefined, value: string): boolean {
    if (text === undefined || this.#missCount >= missesMax) return false;
    const ahead = text.indexOf(value, this.#place);
    const place = ahead < 0 ? text.indexOf(value) : ahead;
    if (place >= 0) this.#place = place;
    else this.#missCount += 1;
    return place >= 0;
  }

  /** Numbers of orders, goods and parcels look like telephones and cards; identity numbers have a check that tells them. */
  #searched({ kind, value }: Field): Found {
    if (kind === "waybill" || kind === "sscc") {
      const whole = isTelephoneNumber(value) ? "phone" : isIdentityNumber(value) ? "identity" : undefined;
      if (whole !== undefined) return { text: value, findings: [{ kind: whole, start: 0, end: value.length }] };
      return /^\w*$/.test(value) ? { text: value, findings: [] } : butCards(this.find(value));
    }
    if (kind === "item") {
      const text = normalized(value);
      return { text, findings: findAddresses(text) };
    }
    const { text, findings } = this.find(value);
    if (kind !== "order") return { text, findings };
    return { text, findings: findings.filter((one) => one.kind !== "phone" && one.kind !== "card") };
  }
}

/** A parcel's number in seventy looks like a card. */
function butCards({ text, findings }: Found): Found {
  return { text, findings: findings.filter(({ kind }) => kind !== "card") };
}
