/**
 * What a piece of a label is.
 *
 * `free` is text of unknown meaning: it may hold anything, and is treated as if it did. `other` is the same below the name
 * of an order or of another parcel: no number in it is this parcel's.
 */
export type FieldKind =
  | "name"
  | "phone"
  | "address"
  | "identity"
  | "card"
  | "email"
  | "birth"
  | "account"
  | "secret"
  | "free"
  | "other"
  | "waybill"
  | "sscc"
  | "postcode"
  | "order"
  | "item"
  | "routing"
  | "service"
  | "country";

/**
 * How much a field tells of a person, in the three classes of the founding documents.
 *
 * `core` names, reaches or locates somebody; `basic` belongs to one parcel; `public` is shared by many.
 */
export type FieldClass = "core" | "basic" | "public";

export const classOf: Readonly<Record<FieldKind, FieldClass>> = {
  name: "core",
  phone: "core",
  address: "core",
  identity: "core",
  card: "core",
  email: "core",
  birth: "core",
  account: "core",
  secret: "core",
  free: "core",
  other: "core",
  waybill: "basic",
  sscc: "basic",
  postcode: "basic",
  order: "basic",
  item: "basic",
  routing: "public",
  service: "public",
  country: "public",
};

/** Whether a field holds what belongs to somebody and to no parcel, such as a document, a card or a telephone. */
export function isSomebodys(kind: FieldKind): boolean {
  return classOf[kind] === "core" && !isTextual(kind) && !isFree(kind);
}

/** Whether a field holds text, in which there may be anything. */
export function isTextual(kind: FieldKind): boolean {
  return kind === "free" || kind === "name" || kind === "address";
}

export interface Field {
  readonly kind: FieldKind;
  readonly value: string;
}

/** Whether nobody can tell the meaning of what is of this kind. */
export function isFree(kind: FieldKind): boolean {
  return kind === "free" || kind === "other";
}

/** What a piece of a label is below the name of an order or of another parcel: `named`, what its own name says. */
export function amongOthers(named: FieldKind | undefined): FieldKind {
  if (named === undefined) return "other";
  return named === "waybill" || named === "sscc" ? "order" : named;
}

/** The ways in which labels are written that are understood. */
export type LabelFormat =
  | "gs1"
  | "gs1-digital-link"
  | "ups-maxicode"
  | "fedex-pdf417"
  | "iso15434"
  | "usps-impb"
  | "sf-mmm"
  | "yto-json"
  | "json"
  | "url"
  | "vcard"
  | "mecard"
  | "contact-link"
  | "image"
  | "text";

/** A label taken apart: each piece of it stands in one field, unless there were too many. */
export interface Label {
  readonly format: LabelFormat;
  readonly fields: readonly Field[];
  /** There was more than is taken apart: nothing is taken out of such a label. */
  readonly isCut: boolean;
  /** All of it, if it is cut. */
  readonly text?: string;
}

/** No label that sorts parcels has more: of those that are known the longest has 25. */
const fieldsMax = 64;

/** Gathers the fields of one label; empty values are no fields, and behind a name they count as a look. */
export class Fields {
  readonly #all: Field[] = [];
  #isCut = false;
  #lookCount = 0;

  add(kind: FieldKind, value: string | undefined): void {
    if (value === undefined || value === "") {
      if (kind !== "free") this.look();
      return;
    }
    if (this.#all.length >= fieldsMax) this.#isCut = true;
    else this.#all.push({ kind, value });
  }

  /** Notes that a name was looked for in vain: where that was as often as a label has fields, the rest is left out. */
  look(): void {
    this.#lookCount += 1;
    if (this.#lookCount > fieldsMax) this.#isCut = true;
  }

  /** Whether something was left out: then the rest need not be taken apart. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** Notes that something was left out. */
  cut(): void {
    this.#isCut = true;
  }

  label(format: LabelFormat): Label {
    return { format, fields: this.#all, isCut: this.#isCut };
  }
}
