import { provesGs1 } from "../../model/code/gs1.ts";
import { uspsBehindZip } from "../../model/code/parcel.ts";
import { startsPicture } from "../../model/code/picture.ts";
import { limits } from "../../model/limits.ts";
import { readContactLink, readMecard, readVcard } from "./contact.ts";
import { decodings } from "./decode.ts";
import { readBracketed, readElementString } from "./element-string.ts";
import { readEnvelope, startsEnvelope } from "./envelope.ts";
import { Fields, type Label } from "./field.ts";
import { refersToPicture } from "./image.ts";
import { readJson } from "./json.ts";
import { type Names, readPlainText } from "./plain.ts";
import { readSfCode } from "./sorting-code.ts";
import { readWebAddress } from "./web-address.ts";

/**
 * Of a code that may be in two encodings, or in three or more, so much is read, in the likeliest of them, and nothing is
 * taken out of it, where all its readings together are longer than a code: no label that sorts parcels is so long, and
 * one made for it would cost its length for each of them.
 */
const guessedBytesMax = { two: 1_536, more: 1_024 } as const;

/**
 * Takes the code of a label apart.
 *
 * Takes:   the bytes as a scanner gives them, without AIM identifier; any bytes at all.
 * Gives:   a label for each encoding that the bytes may be in, the likeliest first; text that has no known form is one of
 *          format `text`. Nothing in it is cleared yet.
 * Cost:    linear in the bytes, for each encoding.
 * Fails:   never.
 */
export function readLabels(code: Uint8Array, symbology: string | undefined): readonly Label[] {
  // A picture of a label shows all that is on it: it is refused as what it is, and so is whatever leads to one.
  const texts = startsPicture(code) ? [] : decodings(code);
  if (texts.length === 0 || texts.some(refersToPicture)) return [new Fields().label("image")];
  const bytesMax = texts.length > 2 ? guessedBytesMax.more : guessedBytesMax.two;
  const isGuess = texts.length > 1 && texts.length * code.length > limits.codeBytesMax;
  const names: Names = new Map();
  return (isGuess ? texts.slice(0, 1) : texts).map((decoding) => {
    const text = withoutNuls(isGuess ? decoding.slice(0, bytesMax) : decoding).trim();
    const label = readLabel(text, symbology, names);
    return isGuess || label.isCut ? { ...label, isCut: true, text } : label;
  });
}

/** A NUL within a number is what a serial line puts in the place of a byte that it lost; others fill up or separate. */
function withoutNuls(text: string): string {
  if (!text.includes("\0")) return text;
  return text.replace(/(?<=[0-9A-Za-z])\0(?=[0-9])/g, "\ufffd").replaceAll("\0", " ");
}

function readLabel(text: string, symbology: string | undefined, names: Names): Label {
  if (startsEnvelope(text)) return readEnvelope(text);
  const usps = uspsBehindZip(text);
  if (usps !== undefined) return { format: "usps-impb", fields: uspsFields(text, usps), isCut: false };
  if (provesGs1(symbology)) {
    const label = readElementString(text);
    if (label !== undefined) return label;
  }
  return (
    readBracketed(text) ??
    readSfCode(text) ??
    readJson(text) ??
    readVcard(text) ??
    readMecard(text) ??
    readContactLink(text) ??
    readWebAddress(text) ??
    readPlainText(text, names)
  );
}

function uspsFields(text: string, usps: string): Label["fields"] {
  const zip = text.slice(3, text.length - usps.length).replaceAll("\x1d", "");
  return [
    { kind: "postcode", value: zip },
    { kind: "waybill", value: usps },
  ];
}
