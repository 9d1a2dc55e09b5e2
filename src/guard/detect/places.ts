import type { Finding } from "./finding.ts";

/** What ends the name of a place in Chinese and Japanese: province, city, district, street … */
const placeEnds: ReadonlySet<string> = new Set(
  "省市区區县縣镇鎮乡鄉村街道路巷弄里坊屯旗州盟都府県町郷庄苑园園寓湾城郡",
);
/** What stands behind the number of a house, a stair or a room. */
const unitEnds: ReadonlySet<string> = new Set("号號栋棟幢座单單室层層楼樓弄组組户戶院门門番丁舍庭");
const numerals: ReadonlySet<string> = new Set("〇零一二三四五六七八九十百");

/** From the name of a place to the number of a house it is no farther. */
const reachMax = 48;
/** What of the text before the first name of a place belongs to it. */
const nameMax = 8;

function isHan(character: string | undefined): boolean {
  return character !== undefined && character >= "\u3040" && character <= "\u9fff";
}

function isCount(character: string | undefined): boolean {
  return character !== undefined && (/[0-9A-Za-z]/.test(character) || numerals.has(character));
}

/**
 * Finds addresses in Chinese and Japanese: the name of a place, and behind it a number with a house, a stair or a room.
 *
 * A town alone is none, nor is a street: 「378嘉兴」 and 「文三路」 tell of nobody.
 * Cost:    linear, one look at each character.
 */
function findEastern(text: string): Finding[] {
  const found: Finding[] = [];
  let start = -1;
  let last = -1;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]!;
    if (character < "\u3000") continue;
    if (unitEnds.has(character) && last >= 0 && at - last <= reachMax && isCount(text[at - 1])) {
      const before = found.at(-1);
      if (before !== undefined && before.end >= start) found.pop();
      found.push({
        kind: "address",
        start: before !== undefined && before.end >= start ? before.start : start,
        end: at + 1,
      });
      last = at;
    } else if (placeEnds.has(character) && isHan(text[at - 1])) {
      if (last < 0 || at - last > reachMax) start = startOfName(text, at);
      last = at;
    }
  }
  return found;
}

function startOfName(text: string, end: number): number {
  let start = end;
  while (start > 0 && end - start < nameMax && isHan(text[start - 1])) start -= 1;
  return start;
}

const streetWords: ReadonlySet<string> = new Set(
  (
    "street st road rd avenue ave av boulevard blvd lane ln drive dr court ct way place pl square sq terrace ter parkway pkwy " +
    "highway hwy circle cir trail close crescent row mews quay alley broadway " +
    "rue via calle plaza avenida carrera straße strasse str weg allee platz gasse ring ufer damm chaussee laan straat plein"
  ).split(" "),
);
const streetEnd = /(?:stra(?:ß|ss)e|str|weg|platz|allee|gasse|ring|ufer|damm|straat|laan|plein|gatan|vägen|vej|gade)$/u;
const houseNumber = /^\d{1,5}[a-z]?$/;
/** Words between the number of a house and the word for a street: `1600 Martin Luther King Jr Blvd`. */
const wordsBetweenMax = 5;

/**
 * Finds addresses in Latin letters: a number and a street, in whichever order, or a post office box.
 *
 * Cost:    linear.
 */
function findWestern(text: string): Finding[] {
  const found: Finding[] = [];
  const words = wordsOf(text);
  let number = -1;
  for (const [index, { word, start, end }] of words.entries()) {
    if (houseNumber.test(word)) {
      if (index > 0 && isStreet(words[index - 1]!.word))
        found.push({ kind: "address", start: words[index - 1]!.start, end });
      number = index;
    } else if (number >= 0 && index - number <= wordsBetweenMax && index > number && isStreet(word))
      found.push({ kind: "address", start: words[number]!.start, end });
    else if (word === "box" && /^p\.?o\.?$/.test(words[index - 1]?.word ?? ""))
      found.push({ kind: "address", start: words[index - 1]!.start, end: words[index + 1]?.end ?? end });
    else if (/^(?:postfach|packstation)$/.test(word))
      found.push({ kind: "address", start, end: words[index + 1]?.end ?? end });
  }
  return found;
}

function isStreet(word: string): boolean {
  return streetWords.has(word) || (word.length > 6 && streetEnd.test(word));
}

function wordsOf(text: string): { word: string; start: number; end: number }[] {
  const words: { word: string; start: number; end: number }[] = [];
  for (const match of text.matchAll(/[\p{L}\p{N}.'’]+/gu)) {
    const word = match[0].toLowerCase().replace(/\.$/, "");
    words.push({ word, start: match.index, end: match.index + match[0].length });
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
  return [...findEastern(text), ...findWestern(text)];
}
