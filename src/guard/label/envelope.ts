import { upsNumber } from "../../model/code/parcel.ts";
import { identifierAt, kindOfIdentifier } from "./element-string.ts";
import { type FieldKind, Fields, type Label } from "./field.ts";

const groupSeparator = "\x1d";
const recordSeparator = "\x1e";
const endOfTransmission = "\x04";

/** Format 01 as carriers fill it: postcode, country, service, number, carrier, then what each likes. */
interface Transport {
  readonly postcode: string;
  readonly country: string;
  readonly service: string;
  readonly number: string;
  readonly carrier: string;
  readonly rest: readonly string[];
}

/** Whether data begin as an ISO/IEC 15434 message; scanners may have lost or changed the separators behind it. */
export function startsEnvelope(text: string): boolean {
  return text.startsWith("[)>");
}

/**
 * Takes an ISO/IEC 15434 message apart: the labels of UPS (MaxiCode) and FedEx (PDF417), and others as far as their
 * fields have names.
 *
 * Gives:   a label in any case: what is not understood is free text. The waybill is rebuilt where the carrier splits it.
 * Source:  `privacy.md` §2.2; ISO/IEC 15434; ANS MH10.8.2 for the identifiers of format 06.
 * Cost:    linear.
 */
export function readEnvelope(text: string): Label {
  const fields = new Fields();
  let format: Label["format"] = "iso15434";
  const end = text.indexOf(endOfTransmission);
  if (end >= 0) fields.add("free", text.slice(end + 1));
  for (const record of text.slice(3, end < 0 ? undefined : end).split(recordSeparator)) {
    const header = record.slice(0, 2);
    const parts = record.slice(2).split(groupSeparator);
    if (header === "01") format = readTransport(parts, fields) ?? format;
    else if (header === "05" || header === "06") for (const part of parts) addIdentified(part, fields);
    // 07 is compressed by UPS, and 09 binary by FedEx: both may hold all that is on the label.
    else fields.add("free", record);
  }
  return fields.label(format);
}

function readTransport(parts: readonly string[], fields: Fields): Label["format"] | undefined {
  const [, postcode = "", country = "", service = "", number = "", carrier = "", ...rest] =
    parts[0] === "" ? parts : ["", ...parts];
  const transport: Transport = { postcode: postcode.slice(2), country, service, number, carrier, rest };
  if (/^UPS[A-Z]/.test(carrier)) return readUps(transport, fields);
  if (/^FDE[A-Z]?$/.test(carrier)) return readFedex(transport, fields);
  for (const part of parts) fields.add("free", part);
  return undefined;
}

function addRouting({ postcode, country, service }: Transport, fields: Fields): void {
  fields.add("postcode", postcode);
  fields.add("country", country);
  fields.add(/^\d{2,3}$/.test(service) ? "service" : "free", service);
}

/** The carrier's word may have the shipper's number behind it: `UPSNW1622R`. */
function readUps(transport: Transport, fields: Fields): Label["format"] {
  const { number, carrier, service, rest } = transport;
  addRouting(transport, fields);
  const isGlued = carrier.length > 4;
  const shipper = isGlued ? carrier.slice(4) : (rest[0] ?? "");
  fields.add("waybill", upsNumber(shipper, service, number));
  // Day, shipment number, count, weight, whether the address is valid; then street, city and state.
  const [, ...behind] = isGlued ? ["", ...rest] : rest;
  for (const [index, part] of behind.entries()) fields.add(index < 5 ? "order" : "address", part);
  return "ups-maxicode";
}

/** Fields before the street of a FedEx label that does not say whether its address is valid. */
const ordersMin = 5;

/** The number of 12 digits has the number of a form behind it: `0201`. */
function readFedex(transport: Transport, fields: Fields): Label["format"] {
  const { number, rest } = transport;
  addRouting(transport, fields);
  if (/^\d{16}$/.test(number)) fields.add("waybill", number.slice(0, 12));
  else fields.add("free", number);
  // Shipper, day, an empty one or two, count, weight, whether the address is valid; then street, city, state and name.
  const valid = rest.findIndex((part, index) => index > 3 && /^[YN]$/.test(part));
  const street = valid < 0 ? ordersMin : valid + 1;
  for (const [index, part] of rest.entries()) {
    if (index < street) fields.add("order", part);
    else fields.add(index < street + 3 ? "address" : "name", part);
  }
  return "fedex-pdf417";
}

/** Identifiers of FedEx, and of UPS in format 05. */
const dataIdentifiers: readonly (readonly [RegExp, FieldKind])[] = [
  [/^11Z/, "name"],
  [/^12Z/, "phone"],
  [/^1[4-5]Z/, "address"],
  [/^2[0-3]L/, "address"],
  [/^[1-6]?J/, "free"],
  [/^(?:Q|7Q|K|1K|T|1T|S|1S|V|1V|P|1P)/, "order"],
];

/** In UPS's lines for the place there may stand a person. */
const attention = /^(?:ATTN|ATTENTION|C\/O)[\s:.]+(.+)/i;

function addIdentified(part: string, fields: Fields): void {
  if (part === "" || fields.isCut) return;
  const known = dataIdentifiers.find(([shape]) => shape.test(part));
  if (known !== undefined) {
    const value = part.replace(/^\d{0,2}[A-Z]/, "");
    const person = known[1] === "address" ? attention.exec(value)?.[1] : undefined;
    fields.add(person === undefined ? known[1] : "name", person ?? value);
    return;
  }
  const identifier = identifierAt(part);
  const kind = identifier === undefined ? undefined : kindOfIdentifier(identifier);
  if (identifier !== undefined && kind !== undefined && kind !== "free")
    fields.add(kind, part.slice(identifier.length));
  else fields.add("free", part);
}
