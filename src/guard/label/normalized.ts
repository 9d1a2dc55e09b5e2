import { limits } from "../../model/limits.ts";

/** Only text made for it grows beyond the longest code: one character may become six. */
const normalizedMax = limits.codeBytesMax;

/** Characters that nobody sees: between the digits of a number they hide it from whoever looks for digits. */
const unseen = /\p{Default_Ignorable_Code_Point}/gu;
/** Two that say whole sentences, of eight and eighteen characters. */
const ligatures = /[\ufdfa\ufdfb]/g;

/** Text of ASCII, kana, ideographs and their marks alone is as it is searched. */
const toNormalize = /[^\0-\x7e\u3001\u3002\u3005-\u3007\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff]/;

/**
 * Text as it is searched: what looks alike is alike (NFKC: full-width and circled digits become digits), what cannot be
 * seen is gone, all dashes are `-` and all blanks are spaces.
 *
 * Cost:    linear; text may grow, and is cut where the longest code would end.
 */
export function normalized(text: string): string {
  if (!toNormalize.test(text)) return text;
  return replaced(text.replace(unseen, "").replace(ligatures, " ").normalize("NFKC").slice(0, normalizedMax));
}

/** Where text is written; wiped when it has been read. */
const written = new Uint16Array(normalizedMax);

/** Text with each character replaced by what it becomes. One by one, for patterns would go through the text for each kind. */
function replaced(text: string): string {
  let length = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code <= 0x7e) {
      written[length++] = code;
      continue;
    }
    const target = becomes(text, at);
    if (target !== nothing) written[length++] = target;
    // The second half of a character that stays as it is, or has become another.
    if (code >= 0xd800 && code <= 0xdbff && text.codePointAt(at)! > 0xffff) {
      at += 1;
      if (target === code) written[length++] = text.charCodeAt(at);
    }
  }
  const plain = String.fromCharCode.apply(undefined, written.subarray(0, length) as unknown as number[]);
  written.fill(0, 0, length);
  return plain;
}

/** No character beyond ASCII becomes this one. */
const nothing = 1;
/** What characters become, by their codes, as they come; 0 where nobody has asked. */
const targets = new Uint16Array(0x10000);

function becomes(text: string, at: number): number {
  const code = text.charCodeAt(at);
  const known = targets[code]!;
  if (known !== 0) return known;
  const isHalf = code >= 0xd800 && code <= 0xdfff;
  const target = targetOf(String.fromCodePoint(text.codePointAt(at)!)) ?? code;
  if (!isHalf) targets[code] = target;
  return target;
}

const changing = /[\p{Default_Ignorable_Code_Point}\p{Dash}─ー\p{Zs}\p{Nd}]/u;
const dash = /[\p{Dash}─ー]/u;
const digit = /\p{Nd}/u;

/** What a character beyond ASCII becomes; undefined if it stays. */
function targetOf(character: string): number | undefined {
  if (!changing.test(character)) return undefined;
  if (dash.test(character)) return 0x2d;
  if (digit.test(character)) return 0x30 + numeralOf(character);
  return /\p{Zs}/u.test(character) ? 0x20 : nothing;
}

/** Of a digit of another script: they stand ten in a row, from nought on. */
function numeralOf(character: string): number {
  const code = character.codePointAt(0)!;
  let value = 0;
  while (value < 9 && digit.test(String.fromCodePoint(code - value - 1))) value += 1;
  return value;
}
