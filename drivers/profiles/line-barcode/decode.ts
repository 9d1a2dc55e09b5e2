import { startsPicture } from "../../../src/model/code/picture.ts";
import { limits } from "../../../src/model/limits.ts";
import type { Claim, Heartbeat, Malformed, NoRead, Read } from "../../../src/model/read.ts";
import type { TextMatcher } from "../../framing/index.ts";

const noRead: NoRead = { kind: "no-read", medium: "barcode" };
const heartbeat: Heartbeat = { kind: "heartbeat" };
const empty: Malformed = { kind: "malformed", reason: "empty" };
const tooLong: Malformed = { kind: "malformed", reason: "too-long" };
const badCode: Malformed = { kind: "malformed", reason: "bad-code" };

/**
 * Decodes what one barcode scanner says in one frame.
 *
 * Takes:   `bytes[start, end)` without framing bytes; the texts that are no code.
 * Gives:   exactly one claim. A read points into `bytes`, behind the AIM identifier.
 * Cost:    one look at each byte; no string, one small object per read.
 * Source:  ISO/IEC 15424 for the identifier: `]`, a letter for the symbology, a digit or letter that modifies it.
 */
export function decodeBarcode(
  bytes: Uint8Array,
  start: number,
  end: number,
  texts: { readonly isNoRead: TextMatcher; readonly isHeartbeat: TextMatcher },
): Claim {
  if (start === end) return empty;
  if (texts.isNoRead(bytes, start, end)) return noRead;
  if (texts.isHeartbeat(bytes, start, end)) return heartbeat;
  const symbology = symbologyAt(bytes, start, end);
  const codeStart = symbology === undefined ? start : start + 3;
  if (codeStart === end) return empty;
  if (symbology !== undefined && texts.isNoRead(bytes, codeStart, end)) return noRead;
  if (end - codeStart > limits.codeBytesMax) return tooLong;
  for (let at = codeStart; at < end; at += 1)
    if (isForbidden[bytes[at] as number] === 1) {
      // The guard refuses a picture as what it is.
      if (startsPicture(bytes, codeStart, end)) break;
      return badCode;
    }
  const read: Read = { kind: "read", bytes, start: codeStart, end, medium: "barcode", symbology };
  return read;
}

/**
 * Bytes that no printed code holds: controls, but for EOT and FS to US, which GS1 and ISO/IEC 15434 put between fields,
 * and for tab and line breaks, which stand in two-dimensional codes such as vCards. An escape sequence or a NUL is thus
 * never part of a code; bytes from 0x80 on are.
 */
const isForbidden = new Uint8Array(256).fill(1, 0, 0x20);
for (const byte of [0x04, 0x09, 0x0a, 0x0d, 0x1c, 0x1d, 0x1e, 0x1f]) isForbidden[byte] = 0;
isForbidden[0x7f] = 1;

const bracket = 0x5d;
/** Each identifier as one string that is made once, by its letter and its modifier. */
const identifiers: string[] = [];

function symbologyAt(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start < 3 || bytes[start] !== bracket) return undefined;
  const letter = bytes[start + 1] as number;
  const modifier = bytes[start + 2] as number;
  if (!isLetter(letter) || !(isLetter(modifier) || isDigit(modifier))) return undefined;
  const at = letter * 128 + modifier;
  const known = identifiers[at];
  if (known !== undefined) return known;
  const made = `]${String.fromCharCode(letter, modifier)}`;
  identifiers[at] = made;
  return made;
}

function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}
