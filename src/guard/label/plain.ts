import { type FieldKind, Fields, type Label } from "./field.ts";
import { isOfPerson, kindOfKey } from "./keys.ts";
import { Pieces } from "./pieces.ts";
import { decoded, webFields } from "./web-address.ts";

/**
 * What separates the pieces of text that somebody lays out: control characters, bars, brackets, semicolons, commas.
 *
 * But not the comma between a mobile number and its extension of four digits.
 */
const separators = /(?:[\p{Cc}|;；、。&<>{}^]|(?!(?<=(?<!\d)1[3-9]\d{9})[,，]\d{4}(?! ?[\d\p{L}]))[,，])+/gu;
/** `<tag>value</tag>` is a name and its value. */
const tagged = /<(\w{1,32})>([^<>]*)<\/\w{1,32}>/g;
const nameLengthMax = 24;
/** A word for a person with the name right behind it. */
const hanOnly = /^\p{Script=Han}+$/u;
const glued = /^(收件人|收货人|寄件人|发件人|联系人|姓名)(\p{Script=Han}{2,4})$/u;

/**
 * Reads text that has no form of its own: pieces, and `name: value` or `name=value` where there are names.
 *
 * A value goes on to the end of its piece, or to the next name: 「收件人：张伟 电话：…」. A name without a colon counts if
 * it is Chinese and a word of its own, or has a name right behind it. Web addresses are taken apart where they stand.
 *
 * Cost:    linear.
 */
export function readPlainText(text: string): Label {
  const fields = new Fields();
  const plain = text.replace(tagged, "$1:$2|");
  const pieces = new Pieces(plain, separators);
  for (let piece = pieces.next(); piece !== undefined; piece = pieces.next()) {
    if (fields.isCut) break;
    addPiece(fields, piece.trim());
  }
  // An address may have separators in it: it is looked for in the whole too, and nothing is taken out of that.
  if (plain.search(separators) >= 0) fields.add("item", plain.replaceAll(/[，、,|;；\p{Cc}]+/gu, " "));
  return fields.label("text");
}

/** Blanks that are no lone space. */
const oddBlanks = / [ \u3000]+|\u3000[ \u3000]*/g;

/** What a name, or a web address, has in it or behind it. */
const naming = /[:=：]|\p{Script=Han}/u;

function addPiece(fields: Fields, piece: string): void {
  if (!naming.test(piece)) {
    fields.add("free", piece.replace(oddBlanks, " "));
    return;
  }
  let kind: FieldKind | undefined;
  let value: string[] = [];
  const begin = (named: FieldKind | undefined, first: string): void => {
    fields.add(kind ?? "free", value.join(" "));
    kind = named;
    value = first === "" ? [] : [first];
  };
  const words = new Pieces(piece.replaceAll("：", ":").replace(oddBlanks, " "), " ");
  for (let word = words.next(); word !== undefined; word = words.next()) {
    if (fields.isCut) return;
    if (word.includes("://")) {
      begin(undefined, "");
      for (const field of webFields(word)) fields.add(field.kind, field.value);
      continue;
    }
    const at = word.search(/[:=]/);
    const name = at >= 0 ? word.slice(0, at) : word;
    const found = at >= 0 ? nameBefore(value, name) : undefined;
    if (found !== undefined) {
      const before = value.splice(value.length - found.count);
      // 「National ID barcode」 is no parcel's.
      const isPersons = found.kind === "waybill" && isOfPerson([...value.slice(-2), ...before, name].join(" "));
      const first = word.slice(at + 1);
      begin(isPersons ? "identity" : found.kind, /%[0-9a-f]{2}/i.test(word) ? decoded(first) : first);
      continue;
    }
    const person = hanOnly.test(word) ? glued.exec(word)?.[2] : undefined;
    if (person !== undefined) begin("name", person);
    else if (hanOnly.test(word) && kindOfName(word) !== undefined) begin(kindOfName(word), "");
    else value.push(word);
  }
  begin(undefined, "");
}

function kindOfName(name: string): FieldKind | undefined {
  return name.length <= nameLengthMax ? kindOfKey(name) : undefined;
}

interface Named {
  readonly kind: FieldKind;
  /** How many words before the one with the colon belong to the name. */
  readonly count: number;
}

/** What stands behind a colon, by the name before it; undefined if it is no name at all. */
function nameBefore(before: readonly string[], last: string): Named | undefined {
  for (let count = Math.min(2, before.length); count > 0; count -= 1) {
    const words = before.slice(-count);
    // Chinese names are one word; what stands before them is a value.
    if (!words.every((word) => /^[a-z]+$/i.test(word))) continue;
    const kind = kindOfName(words.join("") + last);
    if (kind !== undefined) return { kind, count };
  }
  const kind = kindOfName(last);
  return kind === undefined ? undefined : { kind, count: 0 };
}
