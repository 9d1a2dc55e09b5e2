import { nameInEnglish, nameInWord, withWordsApart } from "./announced.ts";
import { type FieldKind, Fields, type Label } from "./field.ts";
import { isBars, isOfAnother, isOfPerson, kindOfKey, ownerOfBars, wordsIn } from "./keys.ts";
import { Pieces } from "./pieces.ts";
import { decoded, webFields } from "./web-address.ts";

/**
 * What separates the pieces of text that somebody lays out: control characters, bars, brackets, semicolons, commas.
 *
 * But not the comma between a mobile number and its extension of four digits.
 */
const separators = /(?:[\p{Cc}|;；、。&<>{}^]|(?!(?<=(?<!\d)1[3-9]\d{9})[,，]\d{4}(?! ?[\d\p{L}]))[,，])+/gu;
/** `<tag>value</tag>` is a name and its value. */
const tagged = /<([\p{L}\p{N}_.-]{1,32})>([^<>]*)<\/[\p{L}\p{N}_.-]{1,32}>/gu;
const nameLengthMax = 24;
const lettersOnly = /^[a-z]+$/i;
const hanOnly = /^\p{Script=Han}+$/u;

/** What words before colons say, as they come: the readings of one label have most of theirs in common. */
export type Names = Map<string, FieldKind | "nothing">;

/**
 * Reads text that has no form of its own: pieces, and `name: value` or `name=value` where there are names.
 *
 * A value goes on to the end of its piece, or to the next name: 「收件人：张伟 电话：…」. A name without a colon counts if
 * it is Chinese and a word of its own, or has a name right behind it. Web addresses are taken apart where they stand.
 *
 * Takes:   `names`, one map for all readings of a label, empty before the first.
 * Cost:    linear.
 */
export function readPlainText(text: string, names: Names): Label {
  const fields = new Fields();
  const tight = text.replaceAll("：", ":").replace(oddBlanks, " ").replaceAll(" :", ":").replaceAll(" =", "=");
  const plain = tight.replace(tagged, "$1:$2|");
  const pieces = new Pieces(plain, separators);
  for (let piece = pieces.next(); piece !== undefined; piece = pieces.next()) {
    if (fields.isCut) break;
    const plainPiece = piece.trim();
    if (plainPiece !== "") addPiece(fields, plainPiece, names);
  }
  // An address may have separators in it: it is looked for in the whole too, and nothing is taken out of that. Of a label
  // that is cut the whole is searched anyway.
  if (!fields.isCut && plain.search(separators) >= 0) fields.add("item", plain.replaceAll(/[，、,|;；\p{Cc}]+/gu, " "));
  return fields.label("text");
}

/** Blanks that are no lone space. */
const oddBlanks = / [ \u3000]+|\u3000[ \u3000]*/g;

/** What a name, or a web address, has in it or behind it. */
const naming = /[:=]|\p{Script=Han}/u;

function addPiece(fields: Fields, piece: string, names: Names): void {
  if (!naming.test(piece)) {
    fields.add("free", piece);
    const name = nameInEnglish(piece);
    if (name !== undefined) fields.add("name", name);
    return;
  }
  let kind: FieldKind = "free";
  let value: string[] = [];
  const words = new Pieces(withWordsApart(piece), " ");
  for (let word = words.next(); word !== undefined; word = words.next()) {
    if (fields.isCut) return;
    if (word.includes("://")) {
      fields.add(kind, value.join(" "));
      const inner = webFields(word);
      for (const field of inner) fields.add(field.kind, field.value);
      if (inner.length === 0) fields.look();
      kind = "free";
      value = [];
      continue;
    }
    const named = namedIn(word, value, names);
    if (named === undefined) {
      if (/[:=]/.test(word)) fields.look();
      value.push(word);
      continue;
    }
    value.length -= named.count;
    fields.add(kind, value.join(" "));
    kind = named.kind;
    value = named.value === "" ? [] : [named.value];
  }
  fields.add(kind, value.join(" "));
}

interface Named {
  readonly kind: FieldKind;
  /** How many words before this one belong to the name. */
  readonly count: number;
  /** What of the word stands behind the name. */
  readonly value: string;
}

/** What a word says that follows, if it is a name or has one before its colon; `before`, the words in front of it. */
function namedIn(word: string, before: readonly string[], names: Names): Named | undefined {
  const colon = word.search(/[:=]/);
  const named = colon < 0 ? undefined : nameBefore(word, colon, before, names);
  if (named !== undefined || !hanOnly.test(word)) return named;
  const kind = kindOfName(word, names);
  if (kind !== undefined) return { kind, count: 0, value: "" };
  const person = nameInWord(word);
  return person === undefined ? undefined : { kind: "name", count: 0, value: person };
}

/** The name that ends before a colon; undefined if it is none at all. */
function nameBefore(word: string, colon: number, before: readonly string[], names: Names): Named | undefined {
  const last = word.slice(0, colon);
  const valueBehind = (): string =>
    /%[0-9a-f]{2}/i.test(word) ? decoded(word.slice(colon + 1)) : word.slice(colon + 1);
  // Only names in ASCII are of several words; what stands before others, or before `trackingNo`, is a value.
  const most = /^[!-~]+$/.test(last) && wordsIn(last).length < 2 ? Math.min(2, before.length) : 0;
  const possible = [last];
  for (let count = 1; count <= most && lettersOnly.test(before[before.length - count]!); count += 1)
    possible.push(before[before.length - count]! + possible[count - 1]!);
  for (let count = possible.length - 1; count >= 0; count -= 1) {
    const kind = kindOfName(possible[count]!, names);
    if (kind !== undefined) return { kind: ofWhom(kind, before, count, last), count, value: valueBehind() };
  }
  return undefined;
}

/** 「National ID barcode」 is no parcel's, and "previous tracking number" not this one's: two words before the name may say so. */
function ofWhom(kind: FieldKind, before: readonly string[], count: number, last: string): FieldKind {
  if (kind !== "waybill" && kind !== "sscc") return kind;
  const words = wordsBefore(before, count).join(" ");
  if (isOfAnother(words)) return "order";
  if (kind === "sscc") return kind;
  if (isOfPerson([...before.slice(-count - 2), last].join(" "))) return "identity";
  return (isBars(last) ? ownerOfBars(words) : undefined) ?? kind;
}

/** The two words before a name that has `count` words before its last one; numbers end what belongs to it. */
function wordsBefore(before: readonly string[], count: number): string[] {
  const words = before.slice(-count - 2, before.length - count);
  return words.slice(words.findLastIndex((word) => /\d/.test(word)) + 1);
}

function kindOfName(name: string, names: Names): FieldKind | undefined {
  if (name.length > nameLengthMax) return undefined;
  const known = names.get(name) ?? kindOfKey(name) ?? "nothing";
  names.set(name, known);
  return known === "nothing" ? undefined : known;
}
