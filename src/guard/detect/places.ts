import type { Finding } from "./finding.ts";

/** What ends the name of a place in Chinese and Japanese: province, city, district, street … */
const placeEnds: ReadonlySet<string> = new Set(
  "省市区區县縣镇鎮乡鄉村街道路巷弄里坊屯旗州盟都府県町郷庄苑园園寓湾城郡厦廈庭",
);
/** Of these, the ends of what is so small that a bare number behind them is that of a house. */
const smallEnds: ReadonlySet<string> = new Set("村街道路巷弄里坊屯庄苑园園寓湾城厦廈庭区町内");
/** What stands behind the number of a house, a stair or a room. */
const unitEnds: ReadonlySet<string> = new Set("号號栋棟幢座单單室层層楼樓弄组組户戶院番丁舍");
const numerals: ReadonlySet<string> = new Set("〇零一二三四五六七八九十百");

/** From the name of a place to the number of a house it is no farther. */
const reachMax = 48;
/** What of the text before the first name of a place belongs to it. */
const nameMax = 8;

function isHan(character: string | undefined): boolean {
  return character !== undefined && character >= "\u3040" && character <= "\u9fff";
}

function isDigit(character: string | undefined): boolean {
  return character !== undefined && character >= "0" && character <= "9";
}

function isCount(character: string | undefined): boolean {
  return character !== undefined && (/[0-9A-Za-z]/.test(character) || numerals.has(character));
}

/** `11月23号` is a day, `3号袋` a bag, `1号道口` a gate. */
const noHouse = /^(?:送|到|派|袋|道|线|門|门|口|车|機|机|台|位|格)/;

/**
 * Finds addresses in Chinese and Japanese: the name of a place, and behind it a number with a house, a stair or a room, or
 * right behind a street or an estate a bare one.
 *
 * A town alone is none, nor is a street: 「378嘉兴」 and 「文三路」 tell of nobody.
 * Cost:    linear, a look or two at each character.
 */
function findEastern(text: string): Finding[] {
  const found: Finding[] = [];
  let start = -1;
  let last = -1;
  const note = (end: number): void => {
    const before = found.at(-1);
    const isSame = before !== undefined && before.end >= start;
    if (isSame) found.pop();
    found.push({ kind: "address", start: isSame ? before.start : start, end });
  };
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]!;
    const isBehindPlace = last === at - 1 || (text[at - 1] === "内" && last >= 0 && at - last <= nameMax);
    if (isDigit(character) && isBehindPlace && smallEnds.has(text[at - 1] ?? "")) {
      const end = endOfNumber(text, at);
      if (end > at && !/[0-9A-Za-z件个袋单]/.test(text[end] ?? " ")) {
        note(end);
        last = end - 1;
        at = end - 1;
      }
    }
    if (character < "\u3000") continue;
    if (unitEnds.has(character) && last >= 0 && at - last <= reachMax && isCount(text[at - 1])) {
      if (isDayOrGate(text, at)) continue;
      note(at + 1);
      last = at;
    } else if (placeEnds.has(character) && isHan(text[at - 1])) {
      if (last < 0 || at - last > reachMax) start = startOfName(text, at);
      last = at;
    }
  }
  return found;
}

/** Whether a number with 号 is a day or a gate and no house. */
function isDayOrGate(text: string, at: number): boolean {
  return (
    /[号號]/.test(text[at]!) &&
    (noHouse.test(text.slice(at + 1, at + 2)) || /月\d{1,2}$/.test(text.slice(Math.max(at - 3, 0), at)))
  );
}

/** The end of `3-2-501` or `5#801`, which a house of one number of two digits or more is too; `at` if it is none. */
function endOfNumber(text: string, at: number): number {
  const [number = ""] = /^\d{1,5}(?:[-#]\d{1,5}){1,3}|^\d{2,4}/.exec(text.slice(at, at + 24)) ?? [];
  return at + number.length;
}

function startOfName(text: string, end: number): number {
  let start = end;
  while (start > 0 && end - start < nameMax && isHan(text[start - 1])) start -= 1;
  return start;
}

/** Words for a street behind its name; the short ones are words of goods and routes as well. */
const streetWords: ReadonlySet<string> = new Set(
  (
    "street road rd avenue ave boulevard blvd ln terrace parkway pkwy highway hwy crescent mews quay alley broadway " +
    "plein straße strasse str weg allee platz gasse ufer damm chaussee laan straat"
  ).split(" "),
);
const weakWords: ReadonlySet<string> = new Set(
  "st dr drive ct court lane way place pl square sq circle cir trail close row ring".split(" "),
);
/** Words for a street before its name. */
const leadingWords: ReadonlySet<string> = new Set(
  "rue via calle plaza avenida avenue carrera rua piazza ul ulica avda corso viale praça paseo".split(" "),
);
/** Small words in the name of a street. */
const particles: ReadonlySet<string> = new Set("de du des la le les".split(" "));
const streetEnd = /(?:stra(?:ß|ss)e|str|weg|platz|allee|gasse|ufer|damm|straat|laan|plein|gatan|vägen|vej|gade)$/u;
const houseNumber = /^\d{1,5}[a-z]?$/;
/** Words between the number of a house and the word for a street: `1600 Martin Luther King Jr Blvd`. */
const wordsBetweenMax = 4;

interface Word {
  readonly word: string;
  readonly start: number;
  readonly end: number;
  readonly isName: boolean;
}

/**
 * Finds addresses in Latin letters: a number and a street, in whichever order, or a post office box.
 *
 * Cost:    linear.
 */
function findWestern(text: string): Finding[] {
  const found: Finding[] = [];
  // No word for a street or a box is a single letter.
  if (!/\p{L}{2}/u.test(text)) return found;
  const words = wordsOf(text);
  for (const [index, { word, start, end }] of words.entries()) {
    const next = words[index + 1];
    if (houseNumber.test(word)) {
      const street = streetAfter(words, index);
      if (street !== undefined) found.push({ kind: "address", start, end: street.end });
    } else if (
      isStreet(word) &&
      next !== undefined &&
      houseNumber.test(next.word) &&
      (word.length > 6 || words[index - 1]?.isName)
    )
      found.push({ kind: "address", start: startOfStreet(text, words, index), end: next.end });
    else if (leadingWords.has(word)) {
      const number = words.slice(index + 2, index + 2 + wordsBetweenMax).find((one) => houseNumber.test(one.word));
      if (number !== undefined && words.slice(index + 1, index + 4).some(({ isName }) => isName))
        found.push({ kind: "address", start, end: number.end });
    } else if (word === "box" && /^p\.?o$/.test(words[index - 1]?.word ?? ""))
      found.push({ kind: "address", start: words[index - 1]!.start, end: next?.end ?? end });
    else if (/^(?:postfach|packstation)$/.test(word)) found.push({ kind: "address", start, end: next?.end ?? end });
  }
  return found;
}

/** The word for a street that belongs to the number at `index`: close behind it, with a name between. */
function streetAfter(words: readonly Word[], index: number): Word | undefined {
  for (let at = index + 1; at < words.length && at - index <= wordsBetweenMax + 1; at += 1) {
    const { word } = words[at]!;
    if (houseNumber.test(word)) return undefined;
    const hasName = at > index + 1 && words[at - 1]!.isName && !goods.has(words[at - 1]!.word);
    if (isStreet(word) && (hasName || word.length > 6)) return words[at];
    if (weakWords.has(word) && hasName && at === words.length - 1) return words[at];
    if (weakWords.has(word) && hasName && words[at]!.isName) return words[at];
    if (word === "rue" && at === index + 1 && words[at + 1] !== undefined) return words[endOfName(words, at + 1)];
  }
  return undefined;
}

/** Where a name that begins at `at` ends: behind the small words in it, as in `de la Paix`. */
function endOfName(words: readonly Word[], at: number): number {
  let last = at;
  while (last - at < 3 && words[last + 1] !== undefined && particles.has(words[last]!.word)) last += 1;
  return last;
}

/** Where the name in front of a word for a street begins: `Berliner Straße`, `Rosa-Luxemburg-Straße`. */
function startOfStreet(text: string, words: readonly Word[], index: number): number {
  const { word, start } = words[index]!;
  let first = index;
  if (!streetWords.has(word)) return start;
  if (text[start - 1] === " " && words[first - 1]?.isName) first -= 1;
  while (index - first < wordsBetweenMax && text[words[first]!.start - 1] === "-" && first > 0) first -= 1;
  return words[first]!.start;
}

/** What stands right behind the number and the street, within the house. */
const unit =
  /^[\s,]{1,2}(?:(?:apt|apartment|suite|ste|unit|floor|fl|room|rm)\.?\s?#?|#\s?)\d{1,5}[a-z]?(?![\p{L}\p{N}])/iu;
const unitMax = 24;

function withUnit(text: string, { kind, start, end }: Finding): Finding {
  const [behind = ""] = unit.exec(text.slice(end, end + unitMax)) ?? [];
  return { kind, start, end: end + behind.length };
}

/** Words before `ring`, `way`, `drive` that make no street of them. */
const goods: ReadonlySet<string> = new Set("gold silver two one usb hard disk sort fast service".split(" "));

function isStreet(word: string): boolean {
  return streetWords.has(word) || (word.length > 6 && streetEnd.test(word));
}

function wordsOf(text: string): Word[] {
  const words: Word[] = [];
  for (const match of text.matchAll(/[\p{L}\p{N}.'’]+/gu)) {
    const [whole] = match;
    const word = whole.toLowerCase().replace(/\.$/, "");
    words.push({ word, start: match.index, end: match.index + whole.length, isName: /^\p{Lu}/u.test(whole) });
  }
  return words;
}

/**
 * Finds addresses.
 *
 * Takes:   normalized text.
 * Cost:    linear.
 */
export function findAddresses(text: string): Finding[] {
  return [...findEastern(text), ...findWestern(text).map((finding) => withUnit(text, finding))];
}
