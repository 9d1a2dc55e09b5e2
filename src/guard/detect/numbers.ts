import { kindOfKey } from "../label/keys.ts";
import { isCardNumber, isIdentityNumber, isKoreanNumber, isTelephoneNumber, mobile } from "../personal.ts";
import { codeAt, isDigit, isLetter } from "./characters.ts";
import type { Finding, PersonalKind } from "./finding.ts";
import { Spans } from "./spans.ts";

/** Groups of digits without anything between them, each marked with how the one before goes on with it. */
const groups = new Spans();
/** Not at all, as one number, or as its extension. */
const joints = { none: 0, plain: 1, extension: 2 } as const;

/** A number is written in no more pieces, and has no more digits: +86, a mobile number, and an extension. */
const groupsMax = 7;
const digitsMax = 21;
const digitsMin = 10;
const digitsMinAbroad = 8;
/** Letters before a number: a word that tells what it is, an abbreviation, or a waybill's own. */
const wordLengthMax = 10;

/** What may stand between the digits of one number: all up to the next digit. */
const joint = /(?:[ .()\-/·_]{1,3}|\) ?-?| ?(?:[转轉]接?|分[机機](?:号码?)?|ext(?:ension)?\.?|x):? ?|,|#|\*)(?=\d)/iy;
/** ` extension: `. */
const jointLengthMax = 12;
/** Behind a comma more or fewer digits, or some with others behind them, are a postcode, a house or another number. */
const commaExtension = /^\d{4}(?![ \-/.]?\d)/;
const plainJoint = /[ .()\-/·_]*(?=\d)/y;

/**
 * Finds numbers of persons: telephones, resident identity numbers, payment cards, bank accounts (IBAN).
 *
 * Takes:   normalized text. A waybill that merely holds eleven digits is no telephone.
 * Cost:    linear: a dozen looks at each group of digits.
 */
export function findNumbers(text: string): Finding[] {
  const accounts = findAccounts(text);
  if (readGroups(text) < digitsMinAbroad) return accounts;
  const found: Finding[] = [];
  const written = new Written(text);
  for (let first = 0; first < groups.count; ) {
    const starts = startOf(text, first);
    const count = starts === "waybill" ? 0 : longestAt(written, first, starts, found);
    first += Math.max(count, 1);
  }
  if (accounts.length === 0) return found;
  const isWithin = (one: Finding): boolean => accounts.some(({ start, end }) => one.start >= start && one.end <= end);
  return [...accounts, ...found.filter((one) => !isWithin(one))];
}

const account = /(?<![0-9A-Za-z])[A-Z]{2}\d{2}(?: ?[0-9A-Z]{4}){3,7}(?: ?[0-9A-Z]{1,3})?(?![0-9A-Za-z])/g;
const accountStart = /[A-Z]{2}\d{2}/;
const accountLengthMin = 15;

/** Bank accounts by their check digits (ISO 13616). */
function findAccounts(text: string): Finding[] {
  const found: Finding[] = [];
  if (!accountStart.test(text)) return found;
  account.lastIndex = 0;
  for (let match = account.exec(text); match !== null; match = account.exec(text)) {
    const plain = match[0].replaceAll(" ", "");
    if (plain.length < accountLengthMin || plain.length > 34 || !isAccount(plain)) continue;
    found.push({ kind: "card", start: match.index, end: match.index + match[0].length });
  }
  return found;
}

function isAccount(plain: string): boolean {
  let rest = 0;
  for (let at = 0; at < plain.length; at += 1) {
    const code = plain.charCodeAt((at + 4) % plain.length);
    // Capitals count from 10 on.
    const value = code <= 57 ? code - 48 : code - 55;
    rest = (rest * (value < 10 ? 10 : 100) + value) % 97;
  }
  return rest === 1;
}

/** Reads all groups of digits; gives how many digits there are. */
function readGroups(text: string): number {
  groups.clear();
  let count = 0;
  let before = -1;
  for (let at = 0; at < text.length; at += 1) {
    if (!isDigit(text.charCodeAt(at))) continue;
    const start = at;
    while (isDigit(text.charCodeAt(at))) at += 1;
    groups.add(start, at, before < 0 ? joints.none : jointOf(text, before, start));
    count += at - start;
    before = at;
  }
  return count;
}

function jointOf(text: string, from: number, to: number): number {
  if (to - from > jointLengthMax) return joints.none;
  if (to === from + 1) {
    if (text[from] === " ") return joints.plain;
    if (text[from] === "," && !commaExtension.test(text.slice(to, to + 6))) return joints.none;
  }
  joint.lastIndex = from;
  if (!joint.test(text)) return joints.none;
  plainJoint.lastIndex = from;
  return plainJoint.test(text) ? joints.plain : joints.extension;
}

/** Letters that waybills begin with; 11 or 18 digits behind others are what they look like. */
const waybillStarts = /^(?:SF[A-Z]?|YT|JD[A-Z]{0,2}|JT|DPK|ZTO|STO|YD|EMS|[A-Z]{2})$/i;

/** What stands right before a group of digits: nothing of it, a word that names a number, other letters, or a waybill's. */
function startOf(text: string, group: number): "free" | "named" | "letters" | "waybill" {
  const start = groups.startOf(group);
  if (start === 0 || !isLetter(text.charCodeAt(start - 1))) return "free";
  let from = start;
  while (from > 0 && start - from <= wordLengthMax && isLetter(text.charCodeAt(from - 1))) from -= 1;
  if (start - from > wordLengthMax || isDigit(text.charCodeAt(from - 1))) return "waybill";
  const word = text.slice(from, start);
  const kind = kindOfKey(word);
  if (kind === "phone" || kind === "identity" || kind === "card") return "named";
  const length = groups.lengthOf(group);
  if (length === 17 || length === 18) return "letters";
  if (waybillStarts.test(word) && !/^(?:ph|id)$/i.test(word)) return "waybill";
  return length === 11 ? "letters" : "waybill";
}

/** Some groups of digits, one behind the other, that may be one number: as it is written. */
class Written {
  readonly text: string;
  first = 0;
  last = 0;
  /** Of its digits, with the X of an identity number. */
  count = 0;
  hasX = false;
  hasPlus = false;
  isNamed = false;
  /** Whether fewer groups are a telephone that has all its digits. */
  isWhole = false;
  /** The count of digits before a sign of an extension, -1 if there is none. */
  extension = -1;
  #digits: string | undefined;

  constructor(text: string) {
    this.text = text;
  }

  begin(first: number, hasPlus: boolean, isNamed: boolean): void {
    this.first = first;
    this.hasPlus = hasPlus;
    this.isNamed = isNamed;
    this.isWhole = false;
    this.extension = -1;
  }

  /** Takes the groups up to `last`, and an X behind them. */
  endWith(last: number, count: number, hasX: boolean): void {
    this.last = last;
    this.hasX = hasX;
    this.count = hasX ? count + 1 : count;
    this.#digits = undefined;
  }

  get groupCount(): number {
    return this.last - this.first + 1;
  }

  /** Digits of the first group. */
  get firstLength(): number {
    return groups.lengthOf(this.first);
  }

  /** Digits of a group from the end: 0 is the last. Of one that is not there: 0. */
  lengthFromEnd(index: number): number {
    const group = this.last - index;
    return group < this.first ? 0 : groups.lengthOf(group);
  }

  get firstDigit(): string {
    return this.text[groups.startOf(this.first)]!;
  }

  /** One of its digits, counted from 0; NaN behind the last. */
  digitAt(index: number): number {
    let before = 0;
    for (let group = this.first; group <= this.last; group += 1) {
      const length = groups.lengthOf(group);
      if (index < before + length) return this.text.charCodeAt(groups.startOf(group) + index - before) - 48;
      before += length;
    }
    return Number.NaN;
  }

  /** Costs a string: to be asked for where its length and its first digits may be those of somebody's. */
  get digits(): string {
    if (this.#digits !== undefined) return this.#digits;
    let digits = "";
    for (let group = this.first; group <= this.last; group += 1)
      digits += this.text.slice(groups.startOf(group), groups.endOf(group));
    if (this.hasX) digits += "X";
    this.#digits = digits;
    return digits;
  }

  /** Without its extension. */
  get telephone(): string {
    return this.extension < 0 ? this.digits : this.digits.slice(0, this.extension);
  }
}

/** Notes the longest number that begins with this group; gives how many groups it takes, 0 if there is none. */
function longestAt(written: Written, first: number, starts: "free" | "named" | "letters", found: Finding[]): number {
  const { text } = written;
  const start = groups.startOf(first);
  const hasPlus = text[start - 1] === "+" || (text[start - 1] === "(" && text[start - 2] === "+");
  written.begin(first, hasPlus, starts === "named");
  let count = 0;
  let best: Finding | undefined;
  let bestCount = 0;
  for (let last = first; last < groups.count && last - first < groupsMax; last += 1) {
    if (last > first) {
      if (groups.markOf(last) === joints.none || written.extension >= 0) break;
      if (written.extension < 0 && groups.markOf(last) === joints.extension) written.extension = count;
    }
    count += groups.lengthOf(last);
    if (count > digitsMax) break;
    if (count < (hasPlus ? digitsMinAbroad : digitsMin)) continue;
    const end = groups.endOf(last);
    written.endWith(last, count, hasCheckLetter(text, count, end));
    const kind = kindOfNumber(written);
    if (kind === undefined) continue;
    if (kind === "phone" && written.isWhole && (isBeside(written) || isOfHouse(text, end))) break;
    if (kind === "phone" && best !== undefined && isOfHouse(text, end)) continue;
    best = { kind, start: text[start - 1] === "+" ? start - 1 : start, end: written.hasX ? end + 1 : end };
    bestCount = last - first + 1;
    written.isWhole = kind === "phone" && count <= wholeMax && whole[hasPlus ? "plus" : "plain"].test(written.digits);
  }
  if (best !== undefined) found.push(best);
  return bestCount;
}

/** What stands behind the number of a house, a stair or a room. */
const ofHouse = / ?[号號栋棟幢座单單室层層楼樓弄组組户戶院]/y;

/** Whether the group that ends here belongs to a house, or to a longer number of one, and so to no number before it. */
function isOfHouse(text: string, end: number): boolean {
  const next = codeAt(text, end);
  if (next === 0x23 || next === 0x2d) return isDigit(codeAt(text, end + 1));
  ofHouse.lastIndex = end;
  return (next === 0x20 || next > 0x7e) && ofHouse.test(text);
}

/** Telephones that have all their digits: of China, and of North America; behind a plus sign with the code of the country. */
const whole = {
  plain: /^(?:(?:00)?860?|0)?(?:1[3-9]\d{9}|10\d{8}|2\d{9}|[3-9]\d{9,10})$/,
  plus: /^860?(?:1[3-9]\d{9}|10\d{8}|2\d{9}|[3-9]\d{9,10})$|^1[2-9]\d{2}[2-9]\d{6}$/,
} as const;

/** 0086, a trunk zero and a mobile number. */
const wholeMax = 16;

/**
 * Whether the last group stands beside a telephone that had all its digits without it: it is an extension behind a sign or
 * a dash, and four digits behind a mobile number are one behind a blank too, if no more digits follow.
 */
function isBeside({ text, last, digits }: Written): boolean {
  if (groups.markOf(last) === joints.extension) return false;
  const between = text.slice(groups.endOf(last - 1), groups.startOf(last));
  if (between === "-") return false;
  const isLast = groups.markOf(last + 1) !== joints.plain;
  return !(isLast && groups.lengthOf(last) === 4 && /^ ?-? ?$/.test(between) && mobileWithExtension.test(digits));
}
const mobileWithExtension = /^(?:(?:00)?860?|0)?1[3-9]\d{13}$/;

/** The check character of an identity number may be an X behind its 17 digits. */
function hasCheckLetter(text: string, count: number, end: number): boolean {
  return count === 17 && (text[end] === "X" || text[end] === "x");
}

/** Landlines of China by their area codes. */
const landline = /^0(?:10\d{8}|2\d\d{8}|[3-9]\d{2}\d{7,8})$/;
const landlineWithExtension = /^0(?:10|2\d|[3-9]\d{2})\d{7,12}$/;
const service = /^400\d{7}$/;
const american = /^1?[2-9]\d{2}[2-9]\d{6}$/;
const abroad = /^00[1-9]\d{7,14}$/;

/** What a number is, by its digits and by how they are grouped. The looks that cost little come first. */
function kindOfNumber(written: Written): PersonalKind | undefined {
  const { count, groupCount, firstLength } = written;
  if ((count === 18 || (count === 17 && groupCount === 1)) && isBornThen(written) && isIdentityNumber(written.digits))
    return "identity";
  // Bare, other numbers of 13 digits are too many.
  if (count === 13 && firstLength === 6 && groupCount === 2 && isKoreanNumber(written.digits)) return "identity";
  if (isTelephone(written)) return "phone";
  const isLandline = written.firstDigit === "0" && groupCount > 2 && firstLength <= 4 && hasAreaCode(written);
  if (isLandline && landlineWithExtension.test(written.digits)) return "phone";
  return count >= 15 && isGroupedAsCard(written) && isCardNumber(written.digits) ? "card" : undefined;
}

/** Whether the seventh digit and the next begin a year of birth, as they do in an identity number. */
function isBornThen(written: Written): boolean {
  const century = 10 * written.digitAt(6) + written.digitAt(7);
  return century === 19 || century === 20;
}

/** Four to six digits in each group but the last. */
function isGroupedAsCard(written: Written): boolean {
  for (let index = 1; index < written.groupCount; index += 1) {
    const length = written.lengthFromEnd(index);
    if (length < 4 || length > 6) return false;
  }
  return true;
}

function isTelephone(written: Written): boolean {
  const { hasPlus, groupCount, firstDigit } = written;
  const count = written.extension < 0 ? written.count : written.extension;
  if (hasPlus && count <= 19) return true;
  // 1-800-555-0199 is written as in North America, and looks like a mobile number of China.
  if (isWrittenAmerican(written)) return isAmerican(written.telephone) || isService(written, count);
  // Fifteen digits: a privacy number with its extension, which stands behind a sign or right behind the number.
  if (firstDigit === "1") {
    const isLong = count === 15 && (groupCount === 1 || (written.isWhole && written.lengthFromEnd(0) === 4));
    return (count === 11 || isLong) && mobile.test(written.telephone);
  }
  if (firstDigit === "4") return isService(written, count);
  if (firstDigit === "0") return isWithZero(written, count);
  // `86` and a landline: many numbers begin so; a telephone is written in groups.
  if (firstDigit !== "8" || written.digitAt(1) !== 6 || count < 12) return false;
  const digits = written.telephone;
  return isTelephoneNumber(digits) && ((groupCount > 1 && written.firstLength !== 3) || /^860?1[3-9]/.test(digits));
}

function isService(written: Written, count: number): boolean {
  return written.firstDigit === "4" && count === 10 && service.test(written.telephone);
}

/** A landline of China, a mobile number with a trunk zero, or one with the prefix 00; `count`, its digits without an extension. */
function isWithZero(written: Written, count: number): boolean {
  if (written.digitAt(1) === 1 && written.digitAt(2) !== 0) return isTrunkMobile(written, count);
  if (written.digitAt(1) !== 0)
    return (count === 11 || count === 12) && hasAreaCode(written) && landline.test(written.telephone);
  if (written.digitAt(2) === 0) return false;
  const digits = written.telephone;
  if (abroad.test(digits) && (written.isNamed || written.groupCount > 1)) return true;
  return digits.startsWith("0086") && isTelephoneNumber(digits);
}

/**
 * `013812345678`, with four digits of a privacy number as `isTelephone` has them. 01-30 and a year behind it are a day, and
 * behind a group of four the next of four belongs to a longer number, as of USPS.
 */
function isTrunkMobile(written: Written, count: number): boolean {
  const { first } = written;
  if (written.firstLength === 4 && groups.markOf(first) === joints.plain && groups.lengthOf(first - 1) === 4)
    return false;
  const isLong = count === 16 && (written.groupCount === 1 || (written.isWhole && written.lengthFromEnd(0) === 4));
  return (count === 12 || isLong) && written.firstLength !== 2 && mobile.test(written.telephone.slice(1));
}

/** Whether what stands behind a zero may be an area code of China: 10, 2x or 3xx to 9xx. */
function hasAreaCode(written: Written): boolean {
  const digit = written.digitAt(1);
  return digit > 1 || (digit === 1 && written.digitAt(2) === 0);
}

/** Groups of three, three and four, perhaps with a 1 before them: ten bare digits are too many things. */
function isWrittenAmerican(written: Written): boolean {
  const isGrouped = written.lengthFromEnd(0) === 4 && written.lengthFromEnd(1) === 3 && written.lengthFromEnd(2) === 3;
  return isGrouped && (written.groupCount === 3 || (written.groupCount === 4 && written.firstLength === 1));
}

/** A number of North America that is not free of charge: those are of companies. */
function isAmerican(digits: string): boolean {
  return american.test(digits) && !/^1?8(?:00|33|44|55|66|77|88)/.test(digits);
}
