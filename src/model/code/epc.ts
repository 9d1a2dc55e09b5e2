import { escapeSerial, serialOf } from "./epc-serial.ts";

/** The schemes that are decoded, by their names in the EPC Tag Data Standard. */
export type EpcScheme =
  | "sgtin-96"
  | "sgtin-198"
  | "sscc-96"
  | "sgln-96"
  | "grai-96"
  | "giai-96"
  | "gsrn-96"
  | "gdti-96"
  | "cpi-96"
  | "sgcn-96"
  | "gid-96";

/** What the memory of a tag says, if it says it according to the standard. */
export interface Epc {
  readonly scheme: EpcScheme;
  /** The pure identity, such as `urn:epc:id:sgtin:0614141.812345.6789`. */
  readonly uri: string;
}

/** How what follows the company prefix and reference is written. */
type Tail = "serial" | "coupon" | "text" | "reserved" | "none";

/**
 * One scheme with a company prefix: header (8 bits), filter (3), partition (3), key (company prefix and reference), tail.
 *
 * In every scheme company prefix and reference share a fixed number of bits and of digits; the partition says where
 * the border lies. The partition tables of the standard follow from that.
 */
interface KeyScheme {
  readonly scheme: EpcScheme;
  readonly keyBits: number;
  /** Digits of company prefix and reference together. */
  readonly keyDigits: number;
  /** Whether leading zeros of the reference are part of it. */
  readonly padded: boolean;
  readonly tail: Tail;
}

/** By the first two hex digits. TDS 2 schemes ("+") may carry names and addresses after the key: they are not here. */
const keySchemes: ReadonlyMap<string, KeyScheme> = new Map([
  ["2C", { scheme: "gdti-96", keyBits: 41, keyDigits: 12, padded: true, tail: "serial" }],
  ["2D", { scheme: "gsrn-96", keyBits: 58, keyDigits: 17, padded: true, tail: "reserved" }],
  ["30", { scheme: "sgtin-96", keyBits: 44, keyDigits: 13, padded: true, tail: "serial" }],
  ["31", { scheme: "sscc-96", keyBits: 58, keyDigits: 17, padded: true, tail: "reserved" }],
  ["32", { scheme: "sgln-96", keyBits: 41, keyDigits: 12, padded: true, tail: "serial" }],
  ["33", { scheme: "grai-96", keyBits: 44, keyDigits: 12, padded: true, tail: "serial" }],
  ["34", { scheme: "giai-96", keyBits: 82, keyDigits: 25, padded: false, tail: "none" }],
  ["36", { scheme: "sgtin-198", keyBits: 44, keyDigits: 13, padded: true, tail: "text" }],
  ["3C", { scheme: "cpi-96", keyBits: 51, keyDigits: 15, padded: false, tail: "serial" }],
  ["3F", { scheme: "sgcn-96", keyBits: 41, keyDigits: 12, padded: true, tail: "coupon" }],
]);

/** Bits of the company prefix by partition; it has twelve digits less the partition. Partition 7 is not in use. */
const companyBits = [40, 37, 34, 30, 27, 24, 20] as const;

const headerBits = 14;
const shape = /^[0-9A-F]+$/;

/**
 * Decodes an EPC to its pure identity.
 *
 * Takes:   upper-case hex without the PC word: 24 digits, or 52 for SGTIN-198.
 * Gives:   undefined for a TID, a proprietary number, a "+" scheme, and whenever length, partition, a range or a
 *          reserved bit is wrong: a tag that is not surely an EPC is none.
 * Source:  GS1 EPC Tag Data Standard 1.13 §14; the names of the fields are the standard's.
 */
export function decodeEpc(hex: string): Epc | undefined {
  if ((hex.length !== 24 && hex.length !== 52) || !shape.test(hex)) return undefined;
  const header = hex.slice(0, 2);
  if (header === "35") return hex.length === 24 ? decodeGid(hex) : undefined;
  const scheme = keySchemes.get(header);
  if (scheme === undefined || (hex.length === 52) !== (scheme.tail === "text")) return undefined;
  return decodeKey(hex, scheme);
}

/** Unsigned number of `count` bits that stand `start` bits after the first. */
function bitsOf(value: bigint, bitCount: number, start: number, count: number): bigint {
  return (value >> BigInt(bitCount - start - count)) & ((1n << BigInt(count)) - 1n);
}

/** A number with exactly `digits` digits; undefined if it does not fit. No digits at all can only say 0. */
function padded(value: bigint, digits: number): string | undefined {
  if (digits === 0) return value === 0n ? "" : undefined;
  const text = value.toString().padStart(digits, "0");
  return text.length === digits ? text : undefined;
}

function decodeKey(hex: string, { scheme, keyBits, keyDigits, padded: isPadded, tail }: KeyScheme): Epc | undefined {
  const bitCount = hex.length * 4;
  const value = BigInt(`0x${hex}`);
  const partition = Number(bitsOf(value, bitCount, 11, 3));
  const prefixBits = companyBits[partition];
  if (prefixBits === undefined) return undefined;
  const company = padded(bitsOf(value, bitCount, headerBits, prefixBits), 12 - partition);
  const referenceValue = bitsOf(value, bitCount, headerBits + prefixBits, keyBits - prefixBits);
  const referenceDigits = keyDigits - (12 - partition);
  const reference = isPadded ? padded(referenceValue, referenceDigits) : unpadded(referenceValue, referenceDigits);
  if (company === undefined || reference === undefined) return undefined;
  const rest = readTail(value, bitCount, headerBits + keyBits, tail);
  if (rest === undefined) return undefined;
  const kind = scheme.slice(0, scheme.indexOf("-"));
  return { scheme, uri: `urn:epc:id:${kind}:${company}.${reference}${rest}` };
}

function unpadded(value: bigint, digitsMax: number): string | undefined {
  const text = value.toString();
  return text.length <= digitsMax ? text : undefined;
}

/** What the URI holds after the reference, its dot included; undefined if the tail breaks a rule. */
function readTail(value: bigint, bitCount: number, start: number, tail: Tail): string | undefined {
  if (tail === "none") return "";
  if (tail === "text") {
    const serial = serialOf(value, bitCount, start);
    return serial === undefined ? undefined : `.${escapeSerial(serial)}`;
  }
  const rest = bitsOf(value, bitCount, start, bitCount - start);
  if (tail === "reserved") return rest === 0n ? "" : undefined;
  const digits = rest.toString();
  if (tail === "serial") return `.${digits}`;
  // SGCN keeps leading zeros by a 1 in front of its serial, which has 1 to 12 digits.
  return digits.length > 1 && digits.startsWith("1") ? `.${digits.slice(1)}` : undefined;
}

/** General identifier: manager (28 bits), class (24), serial (36); it has neither filter nor partition. */
function decodeGid(hex: string): Epc {
  const manager = Number.parseInt(hex.slice(2, 9), 16);
  const objectClass = Number.parseInt(hex.slice(9, 15), 16);
  const serial = Number.parseInt(hex.slice(15), 16);
  return { scheme: "gid-96", uri: `urn:epc:id:gid:${manager}.${objectClass}.${serial}` };
}
