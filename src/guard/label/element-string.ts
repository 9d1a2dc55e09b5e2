import { type FieldKind, Fields, type Label } from "./field.ts";
import { percentDecodedUtf8 } from "./percent.ts";

const groupSeparator = "\x1d";

/** Lengths of the data behind identifiers that need no separator, by their first two digits (GS1 General Specifications, figure 7.8.5-2). */
const fixedLengths: Readonly<Record<string, number>> = {
  ...{ "00": 18, "01": 14, "02": 14, "03": 14, "04": 16, "11": 6, "12": 6, "13": 6, "14": 6, "15": 6, "16": 6 },
  ...{ "17": 6, "18": 6, "19": 6, "20": 2, "31": 6, "32": 6, "33": 6, "34": 6, "35": 6, "36": 6, "41": 13 },
};

/** How many digits the identifier itself has, by its first two; two where nothing stands here. */
const identifierLengths: ReadonlyMap<string, number> = new Map([
  ...["23", "24", "25", "40", "41", "42", "71"].map((start): [string, number] => [start, 3]),
  ...["31", "32", "33", "34", "35", "36", "39", "43", "70", "72", "80", "81", "82"].map((start): [string, number] => [
    start,
    4,
  ]),
]);

const twoDigits =
  /^(?:0[0-3]|1[0-35-7]|2[0-2]|30|37|9[0-9]|2[3-5]|40|41|42|71|31|32|33|34|35|36|39|43|70|72|80|81|82)$/;

/** Source: GS1 syntax dictionary; `free` where companies write what they like. */
const kinds: ReadonlyMap<string, FieldKind> = new Map([
  ["00", "sscc"],
  ...(["400", "401", "402"] as const).map((name): [string, FieldKind] => [name, "order"]),
  ["403", "free"],
  ["420", "postcode"],
  ["421", "postcode"],
  ...each("name", "4300 4301 4310 4311 7253 7254 7255 7256 7259"),
  ...each("address", "4302 4303 4304 4305 4306 4309 4312 4313 4314 4315 4316 7257"),
  ...each("country", "422 4307 4317"),
  ...each("phone", "4308 4319"),
  ["4318", "postcode"],
  ["4320", "item"],
  ...each("birth", "7250 7251 7252"),
  ...each("identity", "8017 8018"),
  ...each("card", "8007"),
  ...each("order", "240 241 243 254 10 21 22 235 710 711 712 713 714 715 716 717"),
  ...each("free", "8200 90 91 92 93 94 95 96 97 98 99"),
]);

function each(kind: FieldKind, list: string): [string, FieldKind][] {
  return list.split(" ").map((name) => [name, kind]);
}

/** What stands behind an application identifier; undefined for facts of trade: numbers of goods, weights, dates, counts. */
export function kindOfIdentifier(identifier: string): FieldKind | undefined {
  return kinds.get(identifier);
}

/** The application identifier at the start of `text`; undefined if no such is assigned. */
export function identifierAt(text: string, at = 0): string | undefined {
  const start = text.slice(at, at + 2);
  if (!twoDigits.test(start)) return undefined;
  const identifier = text.slice(at, at + (identifierLengths.get(start) ?? 2));
  return /^\d+$/.test(identifier) ? identifier : undefined;
}

/** Text of GS1 attributes is percent-encoded, with `+` for a blank; what is not stays as it is. */
export function decodeAttribute(value: string): string {
  const blanks = value.replaceAll("+", " ");
  return percentDecodedUtf8(blanks) ?? blanks;
}

/**
 * Takes an element string apart.
 *
 * Takes:   what stands behind the first FNC1, with GS (0x1D) for each further one.
 * Gives:   undefined unless every identifier is assigned and every fixed length kept: without that nobody can tell where
 *          one piece ends, and a name may be taken for a number.
 * Cost:    linear.
 */
export function readElementString(text: string): Label | undefined {
  const fields = new Fields();
  let at = text.startsWith(groupSeparator) ? 1 : 0;
  while (at < text.length && !fields.isCut) {
    const identifier = identifierAt(text, at);
    if (identifier === undefined) return undefined;
    at += identifier.length;
    const fixed = fixedLengths[identifier.slice(0, 2)];
    const separator = text.indexOf(groupSeparator, at);
    const end = fixed === undefined ? (separator < 0 ? text.length : separator) : at + fixed;
    const value = text.slice(at, end);
    if (value === "" || end > text.length || (fixed !== undefined && !/^\d+$/.test(value))) return undefined;
    const kind = kindOfIdentifier(identifier);
    // Of a company's own data the identifier belongs to the number: USPS and others begin theirs with it.
    if (kind === "free") fields.add("free", identifier >= "90" && identifier <= "99" ? identifier + value : value);
    else if (kind !== undefined) fields.add(kind, decodeAttribute(value));
    at = text[end] === groupSeparator ? end + 1 : end;
  }
  return fields.label("gs1");
}

/**
 * Takes apart what is printed below a bar code, `(00)106141412345678908(4301)…`, where it stands in a code of its own.
 *
 * Gives:   undefined for other text.
 */
export function readBracketed(text: string): Label | undefined {
  if (!/^\(\d{2,4}\)/.test(text)) return undefined;
  const fields = new Fields();
  const [before = "", ...pieces] = text.split(/\((\d{2,4})\)/);
  fields.add("free", before);
  for (let at = 0; at + 1 < pieces.length && !fields.isCut; at += 2) {
    const [identifier, value] = [pieces[at]!, pieces[at + 1]!];
    const fixed = fixedLengths[identifier.slice(0, 2)];
    // Area codes of telephones stand in brackets too.
    if (identifierAt(identifier) !== identifier || (fixed !== undefined && value.trim().length !== fixed))
      return undefined;
    fields.add(kindOfIdentifier(identifier) ?? "order", decodeAttribute(value));
  }
  return fields.label("gs1");
}
