import {
  hasLuhnCheckDigit,
  hasVerhoeffCheckDigit,
  identityCheckDigit,
  japaneseCheckDigit,
  koreanCheckDigit,
} from "../model/code/check-digit.ts";
import { isInBars, isMatrix } from "../model/code/symbology.ts";
import { isTagText } from "../model/code/tag-text.ts";
import type { Field } from "./label/field.ts";

/** The longest number that is looked at: nineteen digits of a payment card. */
const digitsMax = 19;

/** A mobile number, alone or with the four-digit extension of a privacy number. */
export const mobile = /^1[3-9]\d{9}(?:\d{4})?$/;

/** A landline number with its trunk zero and area code. */
export const landline = /^0[1-9]\d{8,10}$/;

/**
 * Any number behind China's country code: `86` and 10 to 12 digits, or a mobile number with its extension.
 *
 * Wider than the numbering plan on purpose: `86` with 11 digits is also an EMS shape, but EMS does not number so high.
 */
export const international = /^\+?(?:00)?86(?:\d{10,12}|1[3-9]\d{13})$/;

/** Mobile numbers of other countries with their code, which EMS, Yunda and FedEx number too. */
const abroad =
  /^(?:55\d{2}9\d{8}|549\d{10}|521\d{10}|8801\d{9}|91[6-9]\d{9}|447\d{9}|9715\d{8}|9665\d{8}|8210\d{8}|81[789]0\d{8}|923\d{9}|491[5-7]\d{8}|85620\d{8}|9647\d{9}|9779[78]\d{8})$/;

/**
 * More of them, of 12 and 13 digits. A FedEx number in a hundred looks like one: in bars, and on FedEx's own labels, it is
 * FedEx's.
 */
const farAbroad =
  /^(?:201\d{9}|21[23][5-7]\d{8}|234[789]\d{9}|25[1456][17-9]\d{8}|3069\d{8}|3519\d{8}|3538\d{8}|3584\d{8}|380[3-9]\d{8}|393\d{9}|420[67]\d{8}|573\d{9}|628\d{9,10}|639\d{9}|8869\d{8}|905\d{9}|959\d{9}|9627\d{8}|9639\d{8}|9677\d{8}|9725\d{8}|989\d{9}|99[24568]\d{9})$/;

/** Visa, Mastercard, UnionPay, American Express, JCB, Discover, each with its lengths; and IMEIs, which look like them. */
const issued = /^(?:4(?:\d{15}|\d{18})|(?:5[1-5]|2[2-7]|35|65)\d{14}|6011\d{12}|62\d{14,17}|3[457]\d{13})$/;

/** Region (GB/T 2260 province), birth date and order: the first 17 digits of a resident identity number. */
const identityBody =
  /^(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|91)\d{4}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}$/;

/** Birth date, sex (1 and 2, from 2000 on 3 and 4), five digits and a check digit: of Koreans, not of foreigners there. */
const koreanBody =
  /^(?:[3-9]\d(?=\d{4}[12])|[0-2]\d(?=\d{4}[34]))(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[1-4]\d{5}\d$/;

/**
 * Whether a number, taken whole, may be a person's: telephone, payment card, identity number or IMEI.
 *
 * Takes:   digits, with `X` or `+` where such numbers have them; anything else is false. `inBars`: the symbology is one
 *          for bars. No card is printed in bars, and an IMEI only within the parcel; of Yunda's waybills one in
 *          seventy would be taken for one, and of STO's one in eighty.
 * Cost:    linear; nothing longer than 19 digits and a prefix is looked at.
 */
export function isPersonalNumber(code: string, inBars = false): boolean {
  return kindOf(code, inBars) !== undefined;
}

/** What such a number is; undefined if it is none. An IMEI is told as a card. */
function kindOf(code: string, inBars: boolean): "phone" | "identity" | "card" | undefined {
  if (code.length > digitsMax + 3) return undefined;
  if (isTelephoneNumber(code)) return "phone";
  if (isIdentityNumber(code)) return "identity";
  if (inBars) return undefined;
  if (isCardNumber(code)) return "card";
  // Of EMS numbers one in sixteen hundred looks like one: in bars, with what else does, too many.
  if (isKoreanNumber(code)) return "identity";
  return abroad.test(code) ? "phone" : undefined;
}

/** Whether digits are a telephone of mainland China, as a whole. */
export function isTelephoneNumber(code: string): boolean {
  return mobile.test(code) || landline.test(code) || international.test(code);
}

/** Whether digits are the number of a payment card, by issuer, length and check digit. */
export function isCardNumber(digits: string): boolean {
  return issued.test(digits) && hasLuhnCheckDigit(digits);
}

/**
 * Whether a code is a resident identity number, or one whose check character the scanner stripped.
 *
 * The numbers of 15 digits that were valid until 2012 are not among them: they have no check digit, and one in forty
 * of Yunda's waybills would look like one.
 */
export function isIdentityNumber(code: string): boolean {
  if (code.length !== 17 && code.length !== 18) return false;
  const body = code.slice(0, 17);
  if (!identityBody.test(body)) return false;
  return code.length === 17 || identityCheckDigit(body) === code[17]?.toUpperCase();
}

/** Whether digits are a resident registration number of Korea that has a check digit. */
export function isKoreanNumber(digits: string): boolean {
  return koreanBody.test(digits) && koreanCheckDigit(digits.slice(0, 12)) === Number(digits[12]);
}

/** AI 420 tells a post code; with a telephone of twelve digits behind it, it has the length of Yunda's numbers. */
const behindPostCode = /^420(\d{12})$/;
/** A mobile number with a trunk zero: what in bars is looked for there. */
const trunkMobile = /^01[3-9]\d{9}$/;

/** AI 4308 and 4319 tell a telephone; with a mobile number they have the length of Yunda's and STO's numbers. */
const behindTelephone = /^43(?:08|19)(1[3-9]\d{9})$/;

/** The telephone behind AI 420, or where any text may stand behind AI 4308 or 4319; undefined if there is none. */
function telephoneBehindIdentifier(code: string, inBars: boolean): string | undefined {
  const telephone = inBars ? undefined : behindTelephone.exec(code)?.[1];
  if (telephone !== undefined) return telephone;
  const digits = behindPostCode.exec(code)?.[1];
  if (digits === undefined) return undefined;
  return (inBars ? trunkMobile.test(digits) : kindOf(digits, false) === "phone") ? digits : undefined;
}

/** `P`, a letter and a mobile number fits the EMS shape too; in bars only `PH`, for EMS numbers so. */
const letteredMobile = { bars: /^PH1[3-9]\d{9}$/i, other: /^P[A-Z]1[3-9]\d{9}$/i } as const;
/** A mobile number and two digits more, which is an EMS shape too: few EMS numbers begin so. */
const mobileAndMore = /^1[3-9]\d{11}$/;
/** Digits alone that say little: telephones and identity numbers of many countries have 12 or 13. */
const fewDigits = /^\d{12,13}$/;
/**
 * Region and birth date as in the numbers of 15 digits that were valid until 2012. One in forty of Yunda's numbers looks
 * like one: in bars, where no identity number stands, it is Yunda's.
 */
const oldIdentityBody =
  /^(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|91)\d{4}\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}$/;

/** Whether a code that has a carrier's shape may as well be a person's number. */
export function isAmbiguousWaybill(code: string, symbology: string | undefined): boolean {
  const inBars = isInBars(symbology);
  if (isMatrix(symbology) && fewDigits.test(code)) return true;
  if (!inBars && (mobileAndMore.test(code) || oldIdentityBody.test(code))) return true;
  if (telephoneBehindIdentifier(code, inBars) !== undefined) return true;
  return isPersonalNumber(code, inBars) || letteredMobile[inBars ? "bars" : "other"].test(code);
}

/** A mobile number and one digit more. */
const mobileAndOne = /^1[3-9]\d{10}$/;

/**
 * The person's number that twelve digits may be where nothing tells that they are FedEx's: of the numbers of FedEx one in
 * four looks like one.
 */
function personInTwelve(code: string): Field | undefined {
  if (code.length !== 12) return undefined;
  if (mobileAndOne.test(code)) return { kind: "phone", value: code.slice(0, -1) };
  if (farAbroad.test(code)) return { kind: "phone", value: code };
  // India's begin with no 0 and no 1.
  const isIndian = /^[2-9]/.test(code) && hasVerhoeffCheckDigit(code);
  return isIndian || japaneseCheckDigit(code.slice(0, -1)) === Number(code[11])
    ? { kind: "identity", value: code }
    : undefined;
}

/** The same of a code that is nothing but that number: no label says whose it is. */
export function isAmbiguousAlone(code: string, symbology: string | undefined): boolean {
  return isAmbiguousWaybill(code, symbology) || (!isInBars(symbology) && personInTwelve(code) !== undefined);
}

/** The person's number that a code of a carrier's shape may be, as a whole or but for letters and digits around it. */
export function personIn(code: string, symbology: string | undefined): Field | undefined {
  const inBars = isInBars(symbology);
  const kind = kindOf(code, inBars);
  if (kind !== undefined) return { kind, value: code };
  if (letteredMobile[inBars ? "bars" : "other"].test(code)) return { kind: "phone", value: code.slice(2) };
  const telephone = telephoneBehindIdentifier(code, inBars);
  if (telephone !== undefined) return { kind: "phone", value: telephone };
  if (inBars) return undefined;
  if (oldIdentityBody.test(code)) return { kind: "identity", value: code };
  return mobileAndMore.test(code) ? { kind: "phone", value: code.slice(0, -2) } : personInTwelve(code);
}

/** The same of a number that stands in a label beside other things. */
export function isAmbiguousInLabel(code: string): boolean {
  return farAbroad.test(code) || isAmbiguousWaybill(code, undefined);
}

/**
 * Whether digits of no shape of a carrier may be somebody's, where a label alone says that they are a waybill: also an
 * identity number whose check digit is wrong, and any card.
 */
export function mayBePersons(digits: string): boolean {
  if (digits.startsWith("00") || oldIdentityBody.test(digits)) return true;
  return identityBody.test(digits.slice(0, 17)) || (/^[3-6]\d{15,18}$/.test(digits) && hasLuhnCheckDigit(digits));
}

/**
 * Whether 20 digits that look like AI 00 and an SSCC may be a person's number.
 *
 * Without proof of GS1 the leading `00` may as well be the international prefix of a mobile number with an extension.
 */
export function isAmbiguousSscc(digits: string): boolean {
  return /^00861[3-9]/.test(digits) || isIdentityNumber(digits.slice(2));
}

/**
 * Whether the memory of a tag, though it decodes as an EPC, may hold a person's number as plain text or decimal digits.
 *
 * Cheap tag writers put any text into EPC memory. ASCII digits are 0x30 to 0x39 and the headers of EPC schemes 0x30 to
 * 0x36, so twelve digits of a landline number can decode as a flawless SGTIN.
 */
export function isAmbiguousTag(hex: string): boolean {
  if (isTagText(hex)) return true;
  // Decimal digits, filled up with F; A at the end stands for the X of an identity number.
  const digits = hex.replace(/F+$/, "").replace(/A$/, "X");
  if (!/^\d+X?$/.test(digits)) return false;
  let usedCount = digits.length;
  while (usedCount > 0 && digits[usedCount - 1] === "0") usedCount -= 1;
  for (let length = Math.max(usedCount, 11); length <= digitsMax; length++) {
    if (isPersonalNumber(digits.slice(0, length))) return true;
  }
  return false;
}
