import { isDigit, isLetter } from "./characters.ts";
import type { Finding } from "./finding.ts";
import { Spans } from "./spans.ts";

/** Words for a street behind its name; the short ones are words of goods and routes as well. */
const streetWords =
  "street road rd avenue ave boulevard blvd ln terrace parkway pkwy highway hwy crescent mews quay alley broadway " +
  "plein straße strasse str weg allee platz gasse ufer damm chaussee laan straat";
const weakWords = "st dr drive ct court lane way place pl square sq circle cir trail close row ring";
/** Words for a street before its name. */
const leadingWords = "rue via calle plaza avenida avenue carrera rua piazza ul ulica avda corso viale praça paseo";
/** Small words in the name of a street. */
const particles = "de du des la le les";
/** Words before `ring`, `way`, `drive` that make no street of them. */
const goods = "gold silver two one usb hard disk sort fast service";
const streetEnd = /(?:stra(?:ß|ss)e|str|weg|platz|allee|gasse|ufer|damm|straat|laan|plein|gatan|vägen|vej|gade)$/u;
/** Digits of the number of a house; a letter may stand behind them. */
const houseDigitsMax = 5;
/** A word for a street that says so alone. */
const longWordMin = 7;
/** Words between the number of a house and the word for a street: `1600 Martin Luther King Jr Blvd`. */
const wordsBetweenMax = 4;

/** What a word says of an address. */
const is = {
  houseNumber: 1,
  street: 2,
  /** One that ends like a word for a street, and is none itself. */
  compound: 4,
  weak: 8,
  leading: 16,
  particle: 32,
  goods: 64,
  /** It begins with a capital. */
  name: 128,
  long: 256,
  rue: 512,
  post: 1_024,
  box: 2_048,
  lone: 4_096,
} as const;

const roles = new Map<string, number>();
for (const [role, list] of [
  [is.street, streetWords],
  [is.weak, weakWords],
  [is.leading, leadingWords],
  [is.particle, particles],
  [is.goods, goods],
  [is.rue, "rue"],
  [is.post, "po p.o"],
  [is.box, "box"],
  [is.lone, "postfach packstation"],
] as const)
  for (const word of list.split(" ")) roles.set(word, (roles.get(word) ?? 0) | role);

/** The words of the text that is searched, each marked with what it says. */
const words = new Spans();

function says(index: number, role: number): boolean {
  return (words.markOf(index) & role) !== 0;
}

/** No word for a street or a box is a single letter, or has letters of another script. */
const anyWord = /[A-Za-z\u00c0-\u024f]{2}/;
/** A number that may be that of a house, or a box. */
const anyNumber = /(?<![0-9A-Za-z.'])\d{1,5}(?!\d)|box|postfach|packstation/i;

/**
 * Adds the addresses in Latin letters: a number and a street, in whichever order, or a post office box.
 *
 * Takes:   normalized text.
 * Cost:    linear.
 */
export function addWestern(text: string, found: Finding[]): void {
  if (!anyWord.test(text) || !anyNumber.test(text)) return;
  readWords(text);
  for (let index = 0; index < words.count; index += 1) addAddressAt(text, index, found);
}

/** Adds the address that begins at a word, or whose word for a street it is. */
function addAddressAt(text: string, index: number, found: Finding[]): void {
  const mark = words.markOf(index);
  const start = words.startOf(index);
  const isStreet = (mark & (is.street | is.compound)) !== 0;
  if ((mark & is.houseNumber) !== 0) add(text, start, streetAfter(index), found);
  else if (isStreet && says(index + 1, is.houseNumber) && ((mark & is.long) !== 0 || says(index - 1, is.name)))
    add(text, startOfStreet(text, index), index + 1, found);
  else if ((mark & is.leading) !== 0) add(text, start, numberBehind(index), found);
  else if ((mark & is.box) !== 0 && says(index - 1, is.post)) add(text, words.startOf(index - 1), index + 1, found);
  else if ((mark & is.lone) !== 0) add(text, start, index + 1, found);
}

/** Adds what ends with a word, or with the last one, and what stands right behind it, within the house. */
function add(text: string, start: number, last: number | undefined, found: Finding[]): void {
  if (last === undefined) return;
  const end = words.endOf(Math.min(last, words.count - 1));
  unit.lastIndex = end;
  found.push({ kind: "address", start, end: unit.test(text) ? unit.lastIndex : end });
}

/** The word for a street that belongs to the number at `index`: close behind it, with a name between. */
function streetAfter(index: number): number | undefined {
  for (let at = index + 1; at < words.count && at - index <= wordsBetweenMax + 1; at += 1) {
    const mark = words.markOf(at);
    if ((mark & is.houseNumber) !== 0) return undefined;
    const hasName = at > index + 1 && says(at - 1, is.name) && !says(at - 1, is.goods);
    if ((mark & (is.street | is.compound)) !== 0 && (hasName || (mark & is.long) !== 0)) return at;
    if ((mark & is.weak) !== 0 && hasName && (at === words.count - 1 || (mark & is.name) !== 0)) return at;
    if ((mark & is.rue) !== 0 && at === index + 1 && at + 1 < words.count) return endOfName(at + 1);
  }
  return undefined;
}

/** Where a name that begins at `at` ends: behind the small words in it, as in `de la Paix`. */
function endOfName(at: number): number {
  let last = at;
  while (last - at < 3 && last + 1 < words.count && says(last, is.particle)) last += 1;
  return last;
}

/** The number of a house behind a word like `rue`, with a name between; undefined if there is none. */
function numberBehind(index: number): number | undefined {
  const hasName = says(index + 1, is.name) || says(index + 2, is.name) || says(index + 3, is.name);
  if (!hasName) return undefined;
  for (let at = index + 2; at < index + 2 + wordsBetweenMax; at += 1) if (says(at, is.houseNumber)) return at;
  return undefined;
}

/** Where the name in front of a word for a street begins: `Berliner Straße`, `Rosa-Luxemburg-Straße`. */
function startOfStreet(text: string, index: number): number {
  let first = index;
  if (!says(index, is.street)) return words.startOf(index);
  if (text[words.startOf(index) - 1] === " " && says(first - 1, is.name)) first -= 1;
  while (index - first < wordsBetweenMax && text[words.startOf(first) - 1] === "-" && first > 0) first -= 1;
  return words.startOf(first);
}

/** Within the house: an apartment, a floor, a room. */
const unit =
  /[\s,]{1,2}(?:(?:apt|apartment|suite|ste|unit|floor|fl|room|rm)\.?\s?#?|#\s?)\d{1,5}[a-z]?(?![\p{L}\p{N}])/iuy;

/** Letters, digits, dots and apostrophes. */
const inWord = /[\p{L}\p{N}.'’]/u;
const capital = /\p{Lu}/u;

function readWords(text: string): void {
  words.clear();
  for (let at = 0; at < text.length; ) {
    const start = endOfRun(text, at, false);
    at = endOfRun(text, start, true);
    if (at > start) words.add(start, at, roleOf(text, start, at));
  }
}

/** The end of a word, or of what stands between words, that begins here. */
function endOfRun(text: string, from: number, isWord: boolean): number {
  let at = from;
  while (at < text.length && ((traitsAt(text, at) & trait.inWord) !== 0) === isWord)
    at += text.codePointAt(at)! > 0xffff ? 2 : 1;
  return at;
}

/** What a character is to a word. */
const trait = { known: 1, inWord: 2, capital: 4 } as const;
/** By their codes, as they come; patterns are asked once about each. */
const traits = new Uint8Array(0x10000);

function traitsAt(text: string, at: number): number {
  const code = text.charCodeAt(at);
  const known = traits[code]!;
  if (known !== 0) return known;
  const character = String.fromCodePoint(text.codePointAt(at)!);
  const found =
    trait.known | (inWord.test(character) ? trait.inWord : 0) | (capital.test(character) ? trait.capital : 0);
  // Half of a character is another one each time.
  if (code < 0xd800 || code > 0xdfff) traits[code] = found;
  return found;
}

/** `st`, `rd`, `de`. */
const shortestWord = 2;
/** Behind it are letters that no word of Western Europe is written with. */
const lastLatin = 0x24f;

function roleOf(text: string, start: number, end: number): number {
  const last = text[end - 1] === "." ? end - 1 : end;
  const isShort = last - start < longWordMin;
  const first = text.charCodeAt(start);
  if (isDigit(first) && isShort) return isHouseNumber(text, start, last) ? is.houseNumber : 0;
  const name = (traitsAt(text, start) & trait.capital) !== 0 ? is.name : 0;
  // No word for a street begins with another letter than those of Latin, nor does one end so.
  const isOther = first > lastLatin && (isShort || text.charCodeAt(last - 1) > lastLatin);
  if (isOther) return isShort ? name : name | is.long;
  if (last - start < shortestWord) return name;
  const word = text.slice(start, last).toLowerCase();
  const known = (roles.get(word) ?? 0) | name;
  if (isShort) return known;
  const isCompound = (known & is.street) === 0 && streetEnd.test(word);
  return known | is.long | (isCompound ? is.compound : 0);
}

function isHouseNumber(text: string, start: number, end: number): boolean {
  let at = start;
  while (at < end && isDigit(text.charCodeAt(at))) at += 1;
  return at - start <= houseDigitsMax && (at === end || (at === end - 1 && isLetter(text.charCodeAt(at))));
}
