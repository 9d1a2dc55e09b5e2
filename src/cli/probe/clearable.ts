import { hasLuhnCheckDigit } from "../../model/code/check-digit.ts";
import { decodeEpc } from "../../model/code/epc.ts";
import { loneSscc, provesGs1, startsElementString } from "../../model/code/gs1.ts";
import { isS10 } from "../../model/code/s10.ts";
import { isSscc } from "../../model/code/sscc.ts";
import { isInBars, isMatrix } from "../../model/code/symbology.ts";
import { isTagText } from "../../model/code/tag-text.ts";
import { candidates } from "../../model/code/waybill.ts";
import type { Medium } from "../../model/read.ts";

/**
 * Whether the ends of a code may stand on a technician's screen.
 *
 * Not the guard itself, which no command may use, but stricter: whatever the guard would not clear is not shown, and a
 * few codes that it would clear are not shown either. A test holds the one against the other.
 *
 * Takes:   the code as latin1 text; the carriers of `[guard]` in the config.
 */
export function isClearable(
  code: string,
  medium: Medium,
  symbology: string | undefined,
  carriers: readonly string[],
): boolean {
  if (medium === "rfid") return isPlainEpc(code);
  if (symbology?.startsWith("]E")) return false;
  // A separator at the end belongs to GS1, and only there is it looked past.
  const digits = code.length === 20 || provesGs1(symbology) ? loneSscc(code) : undefined;
  if (digits !== undefined) return carriers.includes("sscc") && isSscc(digits) && !isLikePerson(digits);
  if (provesGs1(symbology) && startsElementString(code)) return false;
  if (isS10(code)) return carriers.includes("s10");
  // Dots may hold any text, and telephones of many countries have 12 or 13 digits.
  if (/^\d{12,13}$/.test(code) && isMatrix(symbology)) return false;
  // So have identity numbers: twelve are FedEx's where bars are told.
  if (/^\d{12}$/.test(code) && !isInBars(symbology)) return false;
  return candidates(code).some((carrier) => carriers.includes(carrier)) && !isLikeNumberOfPerson(code);
}

/** Schemes of persons, and those with free text in them. */
const personalSchemes: ReadonlySet<string> = new Set(["gsrn-96", "sgtin-198"]);

function isPlainEpc(hex: string): boolean {
  const epc = decodeEpc(hex);
  if (epc === undefined || epc.scheme.endsWith("-198") || personalSchemes.has(epc.scheme)) return false;
  // Cheap tag writers put decimal numbers or text into a tag, and some of those decode.
  if (/^\d+A?F*$/.test(hex) || isTagText(hex)) return false;
  return !/^[\x20-\x7e\x80-\xfe]{5,}[\0\xff]*$/.test(Buffer.from(hex, "hex").toString("latin1"));
}

/** An SSCC with a birth date where an identity number has one, or a mobile number behind its `00`. */
function isLikePerson(digits: string): boolean {
  return /^\d{6}(?:19|20)\d\d(?:0[1-9]|1[0-2])/.test(digits) || digits.startsWith("861");
}

/** A waybill that may as well be a telephone, a card, an IMEI or an identity number. */
function isLikeNumberOfPerson(code: string): boolean {
  if (!/^\d+$/.test(code)) return /^P[A-Z]1/i.test(code);
  // Mobile numbers with two digits more, and those of other countries, are EMS shapes too.
  return (
    /^(?:0|86|5[245]|88|1[3-9]|85620|9647|9779|447|491[5-7]|81[789]0|8210|91[6-9]|923|9665|9715|420)/.test(code) ||
    code.length > 16 ||
    // A birth date where identity numbers of 15 digits have one, or Korea's of 13.
    /^(?:\d{8}(?=\d{7}$)|\d\d(?=\d{11}$))(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])/.test(code) ||
    (code.length >= 15 && hasLuhnCheckDigit(code))
  );
}
