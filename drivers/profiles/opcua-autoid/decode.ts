import { bytesOf, hexUpper } from "../../../src/lib/bytes.ts";
import { limits } from "../../../src/model/limits.ts";
import type { Claim, Read } from "../../../src/model/read.ts";
import { barcodeClaim, isIdentifier } from "../opcua-barcode.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Readers that tell no dBm tell a number of their own scale; outside this range it is one of those. */
const rssiDbmMin = -120;
const rssiDbmMax = 0;
const antennaMax = 65_535;

const noIdentifier = /^no[ _-]?(identifier|read|code)/i;

const fieldsOf = (value: unknown): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};

/**
 * Decodes what the driver hands over of one event of an AutoID reader.
 *
 * Takes:   values from a server that nobody vouches for: each field is checked.
 * Gives:   for RFID one read per sighting; for cameras one claim per result.
 * Fails:   never.
 */
export function decodeScanEvent(values: Fields, claim: (claim: Claim) => void): void {
  const { event, results } = values;
  if ("overflow" in values) claim(overflowOf(values.overflow));
  else if (!Array.isArray(results)) claim({ kind: "malformed", reason: "bad-fields" });
  else if (results.length === 0) claim(event === "optical" ? opticalNoRead : { kind: "malformed", reason: "empty" });
  else
    for (const result of results as unknown[]) {
      const fields = fieldsOf(result);
      if (isTag(event, fields)) decodeTag(fields, claim);
      else claim(decodeOptical(fields));
    }
}

const opticalNoRead: Claim = { kind: "no-read", medium: "barcode" };

function overflowOf(count: unknown): Claim {
  const isCount = typeof count === "number" && Number.isSafeInteger(count) && count >= 1;
  return { kind: "source-gap", reason: "overflow", count: isCount ? count : 1 };
}

const isTag = (event: unknown, fields: Fields): boolean =>
  event === "rfid" || (event !== "optical" && (fields.epc !== undefined || fields.sightings !== undefined));

function decodeOptical({ codeType, string, bytes, symbology }: Fields): Claim {
  if (typeof codeType === "string" && noIdentifier.test(codeType)) return opticalNoRead;
  const told = isIdentifier(symbology) ? symbology : undefined;
  if (typeof string === "string") return barcodeClaim(string, told);
  if (bytes instanceof Uint8Array) return barcodeClaim(bytes, told);
  return { kind: "malformed", reason: "bad-fields" };
}

function decodeTag(fields: Fields, claim: (claim: Claim) => void): void {
  const tag = tagOf(fields);
  const { sightings } = fields;
  if (tag.kind !== "read" || !Array.isArray(sightings) || sightings.length === 0) claim(tag);
  else for (const sighting of sightings as unknown[]) claim({ ...tag, ...heardBy(fieldsOf(sighting)) });
}

function tagOf(fields: Fields): Claim {
  if (typeof fields.codeType === "string" && noIdentifier.test(fields.codeType))
    return { kind: "no-read", medium: "rfid" };
  const code = tagCodeOf(fields);
  if (code === undefined) return { kind: "malformed", reason: "bad-fields" };
  if (code.length === 0) return { kind: "malformed", reason: "empty" };
  if (code.length > limits.codeBytesMax) return { kind: "malformed", reason: "too-long" };
  const bytes = bytesOf(code);
  return { kind: "read", bytes, start: 0, end: bytes.length, medium: "rfid" };
}

/** The code of a tag: its bytes as upper-case hex; a text that is not hex stays as it is. */
function tagCodeOf({ epc, bytes, string }: Fields): string | undefined {
  if (epc instanceof Uint8Array) return hexUpper(epc);
  if (bytes instanceof Uint8Array) return hexUpper(bytes);
  if (typeof string !== "string") return undefined;
  if (/^[0-9A-Fa-f]*$/.test(string)) return string.toUpperCase();
  return /^[\x20-\x7e]+$/.test(string) ? string : undefined;
}

function heardBy({ antenna, strength }: Fields): Pick<Read, "antenna" | "rssiDbm"> {
  const isAntenna = typeof antenna === "number" && Number.isInteger(antenna) && antenna >= 0 && antenna <= antennaMax;
  const isDbm = typeof strength === "number" && strength >= rssiDbmMin && strength <= rssiDbmMax;
  return { ...(isAntenna ? { antenna } : {}), ...(isDbm ? { rssiDbm: strength } : {}) };
}
