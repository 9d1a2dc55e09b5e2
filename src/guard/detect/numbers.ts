import { kindOfKey } from "../label/keys.ts";
import { international, isCardNumber, isIdentityNumber, landline, mobile } from "../personal.ts";
import type { Finding, PersonalKind } from "./finding.ts";

/** Digits without anything between them. */
interface Group {
  readonly start: number;
  readonly end: number;
}

/** A number is written in no more pieces, and has no more digits: +86, a mobile number, and an extension. */
const groupsMax = 12;
const digitsMax = 21;
/** A word before a number that tells what it is. */
const wordLengthMax = 16;

/** What may stand between the digits of one number. */
const joint = /^(?:[ .()\-/·]{1,2}|\) ?-?|转|轉|分机|,|#|\*| ?ext\.? ?| ?x ?)$/i;
const jointLengthMax = 6;

/**
 * Finds numbers of persons: telephones, resident identity numbers, payment cards.
 *
 * Takes:   normalized text. A number begins where no letter or digit stands before it, or a word that says what it is:
 *          a waybill that merely holds eleven digits is none.
 * Cost:    linear: a dozen looks at each group of digits.
 */
export function findNumbers(text: string): Finding[] {
  const groups = groupsOf(text);
  const found: Finding[] = [];
  for (let first = 0; first < groups.length; ) {
    const length = startsHere(text, groups[first]!.start) ? longestAt(text, groups, first, found) : 0;
    first += Math.max(length, 1);
  }
  return found;
}

function groupsOf(text: string): Group[] {
  const groups: Group[] = [];
  for (let at = 0; at < text.length; at += 1) {
    if (!isDigit(text, at)) continue;
    const start = at;
    while (isDigit(text, at)) at += 1;
    groups.push({ start, end: at });
  }
  return groups;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

function isLetter(text: string, at: number): boolean {
  const code = text.charCodeAt(at) | 0x20;
  return code >= 97 && code <= 122;
}

function startsHere(text: string, start: number): boolean {
  if (start === 0 || !isLetter(text, start - 1)) return true;
  let from = start;
  while (from > 0 && start - from < wordLengthMax && isLetter(text, from - 1)) from -= 1;
  const kind = kindOfKey(text.slice(from, start));
  return kind === "phone" || kind === "identity" || kind === "card";
}

/** Notes the longest number that begins with this group; gives how many groups it takes, 0 if there is none. */
function longestAt(text: string, groups: readonly Group[], first: number, found: Finding[]): number {
  const { start } = groups[first]!;
  const hasPlus = text[start - 1] === "+" || (text[start - 1] === "(" && text[start - 2] === "+");
  let digits = "";
  let extension = -1;
  let best: Finding | undefined;
  let bestCount = 0;
  for (let last = first; last < groups.length && last - first < groupsMax; last += 1) {
    const group = groups[last]!;
    if (last > first) {
      const between = text.slice(groups[last - 1]!.end, group.start);
      if (between.length > jointLengthMax || !joint.test(between)) break;
      if (/[^ .()\-/·]/.test(between) && extension < 0) extension = digits.length;
    }
    if (group.end - group.start > digitsMax) break;
    digits += text.slice(group.start, group.end);
    if (digits.length > digitsMax) break;
    const end = identityEnd(text, digits, group.end);
    const whole = end > group.end ? `${digits}X` : digits;
    const kind = kindOfNumber(whole, groupLengths(groups, first, last), hasPlus, extension);
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

function groupLengths(groups: readonly Group[], first: number, last: number): readonly number[] {
  return groups.slice(first, last + 1).map(({ start, end }) => end - start);
}

const landlineWithExtension = /^0[1-9]\d{9,14}$/;
const service = /^[48]00\d{7}$/;
const american = /^1?[2-9]\d{2}[2-9]\d{6}$/;

/**
 * What a number is, by its digits and by how they are grouped.
 *
 * Takes:   `extension`, the count of digits before a sign of an extension, -1 if there is none.
 */
function kindOfNumber(
  digits: string,
  lengths: readonly number[],
  hasPlus: boolean,
  extension: number,
): PersonalKind | undefined {
  if (isIdentityNumber(digits) && (digits.length === 18 || lengths.length === 1)) return "identity";
  if (isTelephone(extension < 0 ? digits : digits.slice(0, extension), lengths, hasPlus)) return "phone";
  if (landlineWithExtension.test(digits) && lengths.length > 2 && lengths[0]! <= 4) return "phone";
  return isCard(digits, lengths) ? "card" : undefined;
}

function isTelephone(digits: string, lengths: readonly number[], hasPlus: boolean): boolean {
  if (hasPlus && digits.length >= 8 && digits.length <= 19) return true;
  // Fifteen digits: a privacy number with its extension, which stands behind a sign or right behind the number.
  if (mobile.test(digits)) return digits.length === 11 || lengths.length === 1 || lengths.at(-1) === 4;
  if (international.test(digits) || landline.test(digits) || service.test(digits)) return true;
  // Ten bare digits are too many things; in groups of three, three and four they are a number of North America.
  return american.test(digits) && lengths.join(" ").endsWith("3 3 4");
}

function isCard(digits: string, lengths: readonly number[]): boolean {
  const isGrouped = lengths.length === 1 || lengths.slice(0, -1).every((length) => length >= 4 && length <= 6);
  return isGrouped && isCardNumber(digits);
}
