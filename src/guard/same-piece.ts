import type { Field, FieldKind } from "./label/field.ts";
import { kindOfKey } from "./label/keys.ts";
import { normalized } from "./label/normalized.ts";

/**
 * A piece of a label as all its spellings have it: what tokens are made of, so that one piece has one of them.
 *
 * Takes:   `value`, as it stands on the label, or as somebody gives it who has that piece erased.
 * Cost:    linear.
 */
export function samePiece({ kind, value }: Field): string {
  const plain = normalized(value).trim().toLowerCase().replace(/\s+/g, " ");
  if (kind === "name") return plain;
  if (kind === "email") return plain.replaceAll(" ", "");
  if (kind === "address") return plain.replace(/[\s-]/g, "");
  if (kind === "phone") return sameTelephone(plain) ?? plain.replace(/[\s-]/g, "");
  const bare = withoutName(kind, plain.replace(remark, "").trim());
  if (kind === "birth") return sameDay(bare);
  // In the name of an account a dot and an underscore tell it from others.
  if (kind === "account" && /\p{L}/u.test(bare)) return bare.replace(/[\s-]/g, "");
  return bare.replace(/[^\p{L}\p{N}]/gu, "") || bare;
}

/** What somebody says of a number: `E12345680(护照)`. */
const remark = /\([^()\d]*\)/g;

const chinese = /^86(?=\d{10,}$)/;
/** Of such a number of China no zero stands before it: a mobile one, or one of a company. */
const withoutZero = /^(?:0|1[3-9]|[48]00)/;

/** The digits of a telephone, as they are dialled in China where they are of there; undefined of what is none. */
function sameTelephone(plain: string): string | undefined {
  // `+49 (0)171`, `0049171`: a trunk zero in brackets and the international prefix are ways of writing.
  const whole = plain.replace(/^\s*(\+|00)\s*(\d{1,3})\s*\(0\)/, "$1$2").replace(/\D/g, "");
  const digits = whole.replace(/^00(?=[1-9])/, "");
  if (digits.length < 7) return undefined;
  const home = digits.replace(chinese, "");
  const dialled = home === digits || withoutZero.test(home) ? home : `0${home}`;
  return dialled.replace(/^0(?=1[3-9]\d{9}(?:\d{4})?$)/, "");
}

/** Without the word that says what it is: any before a colon, and one that is known before a blank or bare digits. */
function withoutName(kind: FieldKind, plain: string): string {
  const colon = /^\p{L}[\p{L} ._]{0,23}: ?(?=.)/u.exec(plain);
  if (colon !== null) return plain.slice(colon[0].length);
  const words = /^(\p{L}[\p{L}.]{0,23}) (?=.*\d)/u.exec(plain) ?? /^(\p{L}{1,24})(?=\d+$)/u.exec(plain);
  return words !== null && kindOfKey(words[1]!) === kind ? plain.slice(words[0].length) : plain;
}

/** A day with its year first, as `19850312`. */
function sameDay(plain: string): string {
  const [, year, month = "", day = ""] = /^(\d{4})\D{1,3}(\d{1,2})\D{1,3}(\d{1,2})\D?$/.exec(plain) ?? [];
  if (year !== undefined) return year + month.padStart(2, "0") + day.padStart(2, "0");
  return plain.replace(/[^\p{L}\p{N}]/gu, "") || plain;
}
