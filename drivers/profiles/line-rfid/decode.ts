import type { FieldPlace } from "../../../src/driver/port.ts";
import { limits } from "../../../src/model/limits.ts";
import type { Claim, Malformed, Read } from "../../../src/model/read.ts";

const badCode: Malformed = { kind: "malformed", reason: "bad-code" };
const badFields: Malformed = { kind: "malformed", reason: "bad-fields" };
const tooLong: Malformed = { kind: "malformed", reason: "too-long" };

/** Weaker or stronger than this is no signal strength in dBm, but a unit of the maker's own. */
const rssiDbmMin = -120;
const rssiDbmMax = 0;
/** Antenna ports are counted from 1 (some hubs from 0); more is some other number. */
const antennaMax = 255;

/** Upper-case hex digit by byte, 0 for what is none. */
const upperHex = new Uint8Array(256);
for (const digit of "0123456789ABCDEFabcdef") upperHex[digit.charCodeAt(0)] = digit.toUpperCase().charCodeAt(0);

export interface TagDecoder {
  /** Decodes the tag in `bytes[start, end)`, which is not empty; the read it gives holds until `clear`. `field` is told what else it understands. */
  decode(bytes: Uint8Array, start: number, end: number, field?: FieldPlace): Claim;
  clear(): void;
}

/** What is known of the tag so far. One object, used again for each tag. */
interface Fields {
  epcStart: number;
  epcEnd: number;
  antenna: number | undefined;
  rssiDbm: number | undefined;
}

/**
 * Decodes one tag of a list: fields separated by `,` or `;`, either `EPC[,antenna[,rssi]]` or `key=value` in any order.
 *
 * Gives:   exactly one claim per tag. The EPC is copied, in upper case, into a buffer that holds one frame.
 * Cost:    one look at each byte; no string, one small object per read.
 */
export function createTagDecoder(): TagDecoder {
  const epcs = new Uint8Array(limits.frameBytesMax);
  let used = 0;
  const fields: Fields = { epcStart: -1, epcEnd: -1, antenna: undefined, rssiDbm: undefined };

  const readEpc = (bytes: Uint8Array): Claim => {
    let from = fields.epcStart;
    const to = fields.epcEnd;
    if (to - from >= 2 && bytes[from] === 0x30 && ((bytes[from + 1] as number) | 0x20) === 0x78) from += 2;
    const count = to - from;
    if (count === 0 || count % 2 === 1) return badCode;
    if (count > limits.codeBytesMax || used + count > epcs.length) return tooLong;
    const start = used;
    for (let at = from; at < to; at += 1) {
      const digit = upperHex[bytes[at] as number] as number;
      if (digit === 0) return badCode;
      epcs[start + at - from] = digit;
    }
    used = start + count;
    const { antenna, rssiDbm } = fields;
    const read: Read = { kind: "read", bytes: epcs, start, end: used, medium: "rfid", antenna, rssiDbm };
    return read;
  };

  return {
    decode(bytes, start, end, field) {
      fields.epcStart = -1;
      fields.antenna = undefined;
      fields.rssiDbm = undefined;
      let position = 0;
      for (let from = start; from <= end; position += 1) {
        let to = from;
        while (to < end && !isFieldSeparator(bytes[to] as number)) to += 1;
        takeField(fields, bytes, from, to, position, field);
        from = to + 1;
      }
      return fields.epcStart === -1 ? badFields : readEpc(bytes);
    },
    clear() {
      used = 0;
    },
  };
}

export function isFieldSeparator(byte: number): boolean {
  return byte === 0x2c || byte === 0x3b;
}

export function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x09;
}

function takeField(
  fields: Fields,
  bytes: Uint8Array,
  start: number,
  end: number,
  position: number,
  field: FieldPlace | undefined,
): void {
  let from = start;
  let to = end;
  while (from < to && isSpace(bytes[from] as number)) from += 1;
  while (to > from && isSpace(bytes[to - 1] as number)) to -= 1;
  let equalsAt = from;
  while (equalsAt < to && bytes[equalsAt] !== 0x3d) equalsAt += 1;
  const isKeyed = equalsAt < to;
  const valueAt = isKeyed ? equalsAt + 1 : from;
  const meaning = isKeyed ? meaningOf(bytes, from, equalsAt) : positional[position];
  if (isKeyed && meaning !== undefined) field?.(from, equalsAt);
  if (meaning === "epc") {
    fields.epcStart = valueAt;
    fields.epcEnd = to;
  } else if (meaning === "antenna") {
    const antenna = decimalAt(bytes, valueAt, to);
    fields.antenna = Number.isInteger(antenna) && antenna >= 0 && antenna <= antennaMax ? antenna : undefined;
    if (fields.antenna !== undefined) field?.(valueAt, to);
  } else if (meaning === "rssi") {
    const rssi = decimalAt(bytes, valueAt, to);
    fields.rssiDbm = rssi >= rssiDbmMin && rssi <= rssiDbmMax ? rssi : undefined;
    if (fields.rssiDbm !== undefined) field?.(valueAt, to);
  }
}

type Meaning = "epc" | "antenna" | "rssi";
const positional: readonly Meaning[] = ["epc", "antenna", "rssi"];
const keys: readonly (readonly [Uint8Array, Meaning])[] = [
  [Buffer.from("tag_id"), "epc"],
  [Buffer.from("epc"), "epc"],
  [Buffer.from("antenna"), "antenna"],
  [Buffer.from("ant"), "antenna"],
  [Buffer.from("rssi"), "rssi"],
];

function meaningOf(bytes: Uint8Array, start: number, end: number): Meaning | undefined {
  for (const [key, meaning] of keys) if (isKey(key, bytes, start, end)) return meaning;
  return undefined;
}

/** Whether the key stands there, in upper or lower case. */
function isKey(key: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (key.length !== end - start) return false;
  for (let i = 0; i < key.length; i += 1) {
    const byte = bytes[start + i] as number;
    const lower = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
    if (lower !== key[i]) return false;
  }
  return true;
}

/** A decimal number such as `-55` or `-55.5`; NaN for anything else. */
function decimalAt(bytes: Uint8Array, start: number, end: number): number {
  const isNegative = bytes[start] === 0x2d;
  let value = 0;
  let scale = 0;
  let digitCount = 0;
  for (let at = isNegative ? start + 1 : start; at < end; at += 1) {
    const byte = bytes[at] as number;
    if (byte === 0x2e && scale === 0) scale = 1;
    else if (byte >= 0x30 && byte <= 0x39 && digitCount < 9) {
      value = value * 10 + byte - 0x30;
      digitCount += 1;
      if (scale > 0) scale *= 10;
    } else return Number.NaN;
  }
  if (digitCount === 0) return Number.NaN;
  const size = scale > 1 ? value / scale : value;
  return isNegative ? -size : size;
}
