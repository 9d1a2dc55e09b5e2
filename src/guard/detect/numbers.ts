import { kindOfKey } from "../label/keys.ts";
import { isCardNumber, isIdentityNumber, isKoreanNumber, isTelephoneNumber, mobile } from "../personal.ts";
import type { Finding, PersonalKind } from "./finding.ts";

/** Digits without anything between them. */
interface Group {
  readonly start: number;
  readonly end: number;
  /** How the group before goes on with this one: not at all, as one number, or as its extension. */
  readonly joint: "none" | "plain" | "extension";
}

/** A number is written in no more pieces, and has no more digits: +86, a mobile number, and an extension. */
const groupsMax = 7;
const digitsMax = 21;
const digitsMin = 10;
const digitsMinAbroad = 8;
/** Letters before a number: a word that tells what it is, an abbreviation, or a waybill's own. */
const wordLengthMax = 10;

/** What may stand between the digits of one number. */
const joint = /^(?:[ .()\-/·_]{1,3}|\) ?-?| ?(?:[转轉]接?|分[机機]):? ?|,|#|\*| ?ext\.? ?| ?x ?)$/i;
const jointLengthMax = 6;
/** Behind a comma more digits than these are a postcode or another number. */
const commaExtensionMax = 4;
const plainJoint = /^[ .()\-/·_]*$/;

/**
 * Finds numbers of persons: telephones, resident identity numbers, payment cards, bank accounts (IBAN).
 *
 * Takes:   normalized text. A waybill that merely holds eleven digits is no telephone.
 * Cost:    linear: a dozen looks at each group of digits.
 */
export function findNumbers(text: string): Finding[] {
  const groups = groupsOf(text);
  const accounts = findAccounts(text);
  const found: Finding[] = [];
  for (let first = 0; first < groups.length; ) {
    const starts = startOf(text, groups[first]!);
    const count = starts === "waybill" ? 0 : longestAt(text, groups, first, starts, found);
    first += Math.max(count, 1);
  }
  const isWithin = (one: Finding): boolean => accounts.some(({ start, end }) => one.start >= start && one.end <= end);
  return [...accounts, ...found.filter((one) => !isWithin(one))];
}

const account = /(?<![0-9A-Za-z])[A-Z]{2}\d{2}(?: ?[0-9A-Z]{4}){3,7}(?: ?[0-9A-Z]{1,3})?(?![0-9A-Za-z])/g;
const accountLengthMin = 15;

/** Bank accounts by their check digits (ISO 13616). */
function findAccounts(text: string): Finding[] {
  const found: Finding[] = [];
  for (const match of text.matchAll(account)) {
    const plain = match[0].replaceAll(" ", "");
    if (plain.length < accountLengthMin || plain.length > 34 || !isAccount(plain)) continue;
    found.push({ kind: "card", start: match.index, end: match.index + match[0].length });
  }
  return found;
}

function isAccount(plain: string): boolean {
  let rest = 0;
  for (const character of plain.slice(4) + plain.slice(0, 4))
    for (const digit of String(Number.parseInt(character, 36))) rest = (rest * 10 + Number(digit)) % 97;
  return rest === 1;
}

function groupsOf(text: string): Group[] {
  const groups: Group[] = [];
  for (let at = 0; at < text.length; at += 1) {
    if (!isDigit(text, at)) continue;
    const start = at;
    while (isDigit(text, at)) at += 1;
    groups.push({ start, end: at, joint: jointOf(text, groups.at(-1)?.end, start, at - start) });
  }
  return groups;
}

function jointOf(text: string, from: number | undefined, to: number, length: number): Group["joint"] {
  if (from === undefined || to - from > jointLengthMax) return "none";
  const between = text.slice(from, to);
  if (between === " ") return "plain";
  if (!joint.test(between) || (between === "," && length > commaExtensionMax)) return "none";
  return plainJoint.test(between) ? "plain" : "extension";
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

function isLetter(text: string, at: number): boolean {
  const code = text.charCodeAt(at) | 0x20;
  return code >= 97 && code <= 122;
}

/** Letters that waybills begin with; 11 or 18 digits behind others are what they look like. */
const waybillStarts = /^(?:SF[A-Z]?|YT|JD[A-Z]{0,2}|JT|DPK|ZTO|STO|YD|EMS|[A-Z]{2})$/i;

/** What stands right before a group of digits: nothing of it, a word that names a number, other letters, or a waybill's. */
function startOf(text: string, { start, end }: Group): "free" | "named" | "letters" | "waybill" {
  if (start === 0 || !isLetter(text, start - 1)) return "free";
  let from = start;
  while (from > 0 && start - from <= wordLengthMax && isLetter(text, from - 1)) from -= 1;
  if (start - from > wordLengthMax || isDigit(text, from - 1)) return "waybill";
  const word = text.slice(from, start);
  const kind = kindOfKey(word);
  if (kind === "phone" || kind === "identity" || kind === "card") return "named";
  const length = end - start;
  if (length === 17 || length === 18) return "letters";
  if (waybillStarts.test(word) && !/^(?:ph|id)$/i.test(word)) return "waybill";
  return length === 11 ? "letters" : "waybill";
}

/** Notes the longest number that begins with this group; gives how many groups it takes, 0 if there is none. */
function longestAt(
  text: string,
  groups: readonly Group[],
  first: number,
  starts: "free" | "named" | "letters",
  found: Finding[],
): number {
  const { start } = groups[first]!;
  const hasPlus = text[start - 1] === "+" || (text[start - 1] === "(" && text[start - 2] === "+");
  let digits = "";
  let extension = -1;
  let best: Finding | undefined;
  let bestCount = 0;
  const lengths: number[] = [];
  for (let last = first; last < groups.length && last - first < groupsMax; last += 1) {
    const group = groups[last]!;
    if (last > first) {
      if (group.joint === "none") break;
      if (extension < 0 && group.joint === "extension") extension = digits.length;
    }
    const length = group.end - group.start;
    if (digits.length + length > digitsMax) break;
    digits += text.slice(group.start, group.end);
    lengths.push(length);
    if (digits.length < (hasPlus ? digitsMinAbroad : digitsMin)) continue;
    const end = identityEnd(text, digits, group.end);
    const whole = end > group.end ? `${digits}X` : digits;
    const kind = kindOfNumber(whole, { lengths, hasPlus, extension, isNamed: starts === "named" });
    if (kind === undefined) continue;
    best = { kind, start, end };
    bestCount = last - first + 1;
  }
  if (best !== undefined) found.push(best);
  return bestCount;
}

/** The check character of an identity number may be an X behind its 17 digits. */
function identityEnd(text: string, digits: string, end: number): number {
  return digits.length === 17 && (text[end] === "X" || text[end] === "x") ? end + 1 : end;
}

interface Written {
  /** Digits in each group. */
  readonly lengths: readonly number[];
  readonly hasPlus: boolean;
  /** The count of digits before a sign of an extension, -1 if there is none. */
  readonly extension: number;
  readonly isNamed: boolean;
}

/** Landlines of China by their area codes. */
const landline = /^0(?:10\d{8}|2\d\d{8}|[3-9]\d{2}\d{7,8})$/;
const landlineWithExtension = /^0(?:10|2\d|[3-9]\d{2})\d{7,12}$/;
const service = /^400\d{7}$/;
const american = /^1?[2-9]\d{2}[2-9]\d{6}$/;
const abroad = /^00[1-9]\d{7,14}$/;

/** What a number is, by its digits and by how they are grouped. The looks that cost little come first. */
function kindOfNumber(digits: string, written: Written): PersonalKind | undefined {
  const { lengths, extension } = written;
  const count = digits.length;
  if ((count === 17 || count === 18) && isIdentityNumber(digits) && (count === 18 || lengths.length === 1))
    return "identity";
  // Bare, other numbers of 13 digits are too many.
  if (count === 13 && lengths[0] === 6 && lengths.length === 2 && isKoreanNumber(digits)) return "identity";
  if (isTelephone(extension < 0 ? digits : digits.slice(0, extension), written)) return "phone";
  if (digits[0] === "0" && lengths.length > 2 && lengths[0]! <= 4 && landlineWithExtension.test(digits)) return "phone";
  if (count < 15) return undefined;
  const isGrouped = lengths.length === 1 || lengths.slice(0, -1).every((length) => length >= 4 && length <= 6);
  return isGrouped && isCardNumber(digits) ? "card" : undefined;
}

function isTelephone(digits: string, { lengths, hasPlus, isNamed }: Written): boolean {
  if (hasPlus && digits.length <= 19) return true;
  const first = digits[0];
  // 1-800-555-0199 is written as in North America, and looks like a mobile number of China.
  if (isWrittenAmerican(lengths)) return isAmerican(digits);
  // Fifteen digits: a privacy number with its extension, which stands behind a sign or right behind the number.
  if (first === "1")
    return mobile.test(digits) && (digits.length === 11 || lengths.length === 1 || lengths.at(-1) === 4);
  if (first === "0") {
    if (landline.test(digits)) return isNamed || lengths.length > 1 || digits.length > 10;
    if (abroad.test(digits) && (isNamed || lengths.length > 1)) return true;
    return digits.startsWith("0086") && isTelephoneNumber(digits);
  }
  if (first === "4") return service.test(digits);
  // `86` and a landline: many numbers begin so; a telephone is written in groups.
  return first === "8" && isTelephoneNumber(digits) && (lengths.length > 1 || /^860?1[3-9]/.test(digits));
}

/** Groups of three, three and four, perhaps with a 1 before them: ten bare digits are too many things. */
function isWrittenAmerican(lengths: readonly number[]): boolean {
  const [last, middle, area, country] = [lengths.at(-1), lengths.at(-2), lengths.at(-3), lengths.at(-4)];
  return last === 4 && middle === 3 && area === 3 && (country === undefined || country === 1) && lengths.length <= 4;
}

/** A number of North America that is not free of charge: those are of companies. */
function isAmerican(digits: string): boolean {
  return american.test(digits) && !/^1?8(?:00|33|44|55|66|77|88)/.test(digits);
}
