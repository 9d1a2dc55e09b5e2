import { createHash } from "node:crypto";
import type { DataOf } from "../model/event-fields.ts";
import type { Subject } from "./port.ts";

/** As `guard` makes them: mark, name of the day's key, 128 bits. */
const token = /^t[12]\.[A-Za-z0-9_-]{8}\.[A-Za-z0-9_-]{22}$/;
/** What only looks like one: nothing of it is taken for a number. */
const tokenLike = /^t\d*\./i;
/** A number that leaves in clear: printable ASCII with digits in it, as it stands in the event. */
const code = /^(?=\D*\d)[!-~]{6,128}$/;

/** A mail address, which may have no digit. */
const mail = /^(?=[!-~]{6,128}$)[^@]+@[^@]+\.[^@.]+$/;

/**
 * A telephone with its extension, however people write what stands between them, after NFKC. The telephone itself has no
 * blanks, and nothing may stand before or behind: of free text nothing is taken.
 */
const withExtension =
  /^\+?\(?\d(?:[()\p{Dash}]{0,2}\d){6,14}\)?(?:\p{Zs}{1,3}|\p{Zs}{0,3}(?:[转轉]接?|分[机機](?:号码?)?|ext(?:ension)?|x|[\p{Dash},#*])\.?:?\p{Zs}{0,3})\d{1,6}$/iu;
const textMax = 128;

/** Whose events a text names; undefined if it has the form of neither. A telephone with its extension stays as it is written. */
export function subjectOf(text: string): Subject | undefined {
  if (token.test(text)) return { kind: "token", value: text };
  if (text.length > textMax || tokenLike.test(text)) return undefined;
  return code.test(text) || mail.test(text) || withExtension.test(text.normalize("NFKC"))
    ? { kind: "code", value: text }
    : undefined;
}

const givable =
  "a whole token (t1., 8 characters, a dot, 22 characters) from data.token or data.tokens, a number from data.code, or a telephone, another number, a mail address or a birth (1985-03-12) of somebody, of which the tokens of today and yesterday are looked for: six characters or more without blanks, and a telephone with its extension as 13712340002-1234";

/** Why a text is no subject; what was given is not repeated, for it may be a person's. */
export function noSubject(text: string): { readonly sentence: string; readonly hint: string } {
  if (text === "") return { sentence: "No token or number was given", hint: givable };
  const isName = /\p{L}/u.test(text) && !/\d/.test(text) && !tokenLike.test(text);
  const sentence = isName
    ? "Names cannot be searched for: no event holds one in clear"
    : "That is neither a token nor a number as they stand in events";
  return { sentence, hint: givable };
}

/**
 * What the chain says of a subject. Of a token its SHA-256: who has the token can tell that it was this one, and nobody
 * else, and the token itself is gone. Of a number nothing: all numbers could be tried.
 */
export function toldSubject({ kind, value }: Subject): Pick<DataOf<"audit">, "subject" | "tokenDigest"> {
  return kind === "code"
    ? { subject: "code" }
    : { subject: "token", tokenDigest: createHash("sha256").update(value).digest("base64url") };
}
