import type { Finding } from "./finding.ts";

/** Behind a word for it, a passport: one or two letters and seven to nine digits. */
const passport =
  /(?:(?:护照|護照)(?:号码?|號碼?)?|(?<![a-z])passport(?: ?(?:no|number|num))?)[ .:#]{0,4}([A-Z]{1,2}\d{7,9})(?![0-9A-Z])/gi;
/** Behind a word for it, a permit to travel between the mainland, Hong Kong, Macao and Taiwan: eight digits, or letters before. */
const permit =
  /(?:通行[证證]|台胞[证證]|回[乡鄉][证證])(?:号码?|號碼?)?[ .:#]{0,4}([A-Z]{1,2}\d{7,10}|\d{8})(?![0-9A-Z])/gi;
const anyWord = /[护護]照|passport|[证證]/i;

/**
 * Adds the numbers of documents whose form alone tells nothing: those right behind the word for one.
 *
 * Takes:   normalized text.
 * Cost:    linear.
 */
export function addDocuments(text: string, found: Finding[]): void {
  if (!anyWord.test(text)) return;
  for (const shape of [passport, permit])
    for (const match of text.matchAll(shape)) {
      const end = match.index + match[0].length;
      found.push({ kind: "identity", start: end - match[1]!.length, end });
    }
}
