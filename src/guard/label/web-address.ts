import { isUtf8 } from "node:buffer";
import { identifierAt, kindOfIdentifier } from "./element-string.ts";
import { amongOthers, type FieldKind, Fields, type Label } from "./field.ts";
import { isBars, isOfAnother, kindOfKey, ownerOfBars } from "./keys.ts";
import { percentDecodedUtf8 } from "./percent.ts";
import { Pieces } from "./pieces.ts";

/** How often a value is decoded: shops encode what was encoded before. */
const decodingsMax = 2;

/** Whether text is a web address, or the beginning of one without its scheme. */
function afterScheme(text: string): string | undefined {
  const scheme = /^[a-z][a-z0-9+.-]{0,15}:\/\//i.exec(text.slice(0, 20))?.[0];
  if (scheme !== undefined) return text.slice(scheme.length);
  return /^(?:www\.)?[a-z0-9-]{1,40}(?:\.[a-z0-9-]{1,40}){1,4}\//i.test(text) ? text : undefined;
}

/**
 * Takes a web address apart: path, query and fragment, decoded, by the names of their parameters; of GS1 Digital Link by
 * application identifiers.
 *
 * Gives:   undefined for other text. The host is not among the fields: it is the same for all parcels of a shop.
 * Cost:    linear.
 */
export function readWebAddress(text: string): Label | undefined {
  const rest = afterScheme(text);
  if (rest === undefined) return undefined;
  const [beforeFragment = "", fragment = ""] = cut(rest, "#");
  const [place = "", query = ""] = cut(beforeFragment, "?");
  const [host = "", path = ""] = cut(place, "/");
  const fields = new Fields();
  // `user:password@host`
  if (host.includes("@")) fields.add("secret", host.slice(0, host.lastIndexOf("@")));
  const seen: Seen = { isOthers: false, bars: undefined };
  const isGs1 = addPath(fields, path, carrierHost.test(host) ? "waybill" : "free", seen);
  addParameters(fields, query, isGs1, seen);
  const [page = "", behind] = cut(fragment, "?");
  const isPath = behind !== undefined || /^!?\/[^=]*$/.test(page);
  if (isPath) addPath(fields, page, "free", seen);
  addParameters(fields, isPath ? (behind ?? "") : fragment, isGs1, seen);
  return fields.label(isGs1 ? "gs1-digital-link" : "url");
}

/** What the pages of a path say of all behind them. */
interface Seen {
  /** It is of another parcel. */
  isOthers: boolean;
  /** What bars are: those of a person, of goods, or of an order. */
  bars: FieldKind | undefined;
}

/** What is called so in a web address is. */
function kindIn(name: string, { bars }: Seen): FieldKind | undefined {
  const kind = kindOfKey(name);
  return kind === "waybill" && bars !== undefined && isBars(name) ? bars : kind;
}

/** What a web address within a text holds. */
export function webFields(text: string): Label["fields"] {
  return readWebAddress(text)?.fields ?? [{ kind: "free", value: text }];
}

/** The text before and behind the first of these characters. */
function cut(text: string, character: string): [string, string?] {
  const at = text.indexOf(character);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** Pages of carriers: the last part of their path is a waybill. */
const carrierHost =
  /(?:^|\.)(?:ems\.com\.cn|chinapost\.com\.cn|sf-express\.com|yto\.net\.cn|zto\.com|sto\.cn|yundaex\.com|jdl\.com|jtexpress\.com\.cn|deppon\.com|cainiao\.com)$/i;

/** No address on a label leads deeper. */
const pagesMax = 64;

/**
 * Adds what the path holds; gives whether it is that of GS1 Digital Link: pairs of identifier and value.
 *
 * Takes:   `last`, what its last part is if nothing says so.
 */
function addPath(fields: Fields, path: string, last: FieldKind, seen: Seen): boolean {
  const parts = path.split("/", pagesMax + 1).filter((part) => part !== "");
  if (parts.length > pagesMax) {
    fields.cut();
    return false;
  }
  const first = parts.findIndex((part, at) => at + 1 < parts.length && isIdentifier(part) && isKey(part));
  const isGs1 =
    first >= 0 &&
    (parts.length - first) % 2 === 0 &&
    parts.every((part, at) => at < first || (at - first) % 2 === 1 || isIdentifier(part));
  if (!isGs1) {
    addPages(fields, parts, last, seen);
    return false;
  }
  for (const part of parts.slice(0, first)) {
    addDecoded(fields, undefined, part);
    seen.isOthers ||= isOfAnother(part);
  }
  for (let at = first; at < parts.length; at += 2) addGs1(fields, parts[at]!, parts[at + 1]!, seen);
  return true;
}

/** Words of a path are names of pages, not of what follows: only a waybill may well stand behind its name. */
function addPages(fields: Fields, parts: readonly string[], last: FieldKind, seen: Seen): void {
  for (const [at, part] of parts.entries()) {
    if (fields.isCut) return;
    const named = at === 0 ? undefined : kindIn(parts[at - 1]!, seen);
    // What stands behind the name of something else is not the carrier's page of a parcel.
    const isLast = at === parts.length - 1 && named === undefined;
    const isNamed = named === "waybill" || (named !== undefined && named === seen.bars);
    const kind = isNamed ? named : isLast ? last : undefined;
    addDecoded(fields, seen.isOthers ? "order" : kind, part);
    seen.isOthers ||= isOfAnother(part);
    seen.bars = ownerOfBars(part) ?? seen.bars;
  }
}

function isIdentifier(part: string): boolean {
  return identifierAt(part) === part;
}

/** The identifiers that a Digital Link may begin with (GS1 Digital Link §4.3). */
const primaryKeys: ReadonlySet<string> = new Set(
  "00 01 253 255 401 402 414 417 8003 8004 8006 8010 8013 8017 8018".split(" "),
);

function isKey(part: string): boolean {
  return primaryKeys.has(part);
}

function addGs1(fields: Fields, identifier: string, value: string, { isOthers }: Seen): void {
  const kind = kindOfIdentifier(identifier);
  if (kind !== undefined) addDecoded(fields, isOthers ? amongOthers(kind) : kind, value);
}

function addParameters(fields: Fields, query: string, isGs1: boolean, seen: Seen): void {
  if (query === "") return;
  const parameters = new Pieces(query.replaceAll(";", "&"), "&");
  for (let parameter = parameters.next(); parameter !== undefined; parameter = parameters.next()) {
    if (fields.isCut) return;
    const [name = "", value] = cut(parameter, "=");
    if (value === "") continue;
    const kind = value === undefined ? undefined : kindIn(decoded(name), seen);
    if (value !== undefined && isGs1 && isIdentifier(name)) addGs1(fields, name, value, seen);
    else addDecoded(fields, seen.isOthers ? amongOthers(kind) : kind, value ?? name);
  }
}

/** Adds a value as it was meant; where it seems to be base64url of text, that text too, as what its name says, but for a waybill's. */
function addDecoded(fields: Fields, kind: FieldKind | undefined, value: string): void {
  if (value === "") return;
  const text = decoded(value);
  fields.add(kind ?? "free", text);
  const inner = fromBase64url(text);
  // Most numbers are base64 of something: what comes of that is no second one.
  if (inner !== undefined) fields.add(kind === undefined || kind === "waybill" ? "free" : kind, inner);
}

/** Undoes percent-encoding, as often as it was done, in UTF-8 or GB18030. */
export function decoded(value: string): string {
  let text = value.replaceAll("+", " ");
  for (let count = 0; count < decodingsMax && /%[0-9a-f]{2}/i.test(text); count += 1) text = percentDecoded(text);
  return text;
}

const gb18030 = new TextDecoder("gb18030");

function percentDecoded(text: string): string {
  const unicode = percentDecodedUtf8(text);
  if (unicode !== undefined) return unicode;
  const bytes = Buffer.from(
    text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    "latin1",
  );
  return gb18030.decode(bytes);
}

const base64Min = 12;
const utf8 = new TextDecoder("utf-8");

function fromBase64url(text: string): string | undefined {
  if (text.length < base64Min || !/^[\w+/-]+={0,2}$/.test(text) || /^\d+$/.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64url");
  if (!isUtf8(bytes)) return undefined;
  const inner = utf8.decode(bytes);
  // Most words are base64 of something; text has no control characters.
  return isPrintable(inner) ? inner : undefined;
}

function isPrintable(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || code === 0x7f) return false;
  }
  return true;
}
