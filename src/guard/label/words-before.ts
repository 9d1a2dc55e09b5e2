import { hanOfAnother, simplified, withoutElectronic, wordsOfAnother } from "./another.ts";
import { wordsIn } from "./keys.ts";
import { normalized } from "./normalized.ts";

/** Words that say what a number is stand so near to it. */
const tailMax = 48;

/** What a document of somebody is called, or an order. */
const documents: ReadonlySet<string> = new Set(
  "passport,license,licence,id card,idcard,identity,identity card,national id,order,orders".split(","),
);
/** Words between that and the number, and how many. */
const between: ReadonlySet<string> = new Set(
  "no nr number num code id of for parcel shipment waybill tracking sscc".split(" "),
);
const betweenMax = 3;

const han = new RegExp(
  `(?:护照|身份证|身分证|证件|军官证|订单|注文|${hanOfAnother})(?:编?号码?|番号)?[ .:#=_("'[-]*$`,
  "u",
);
/** Behind the letters of Latin and its like. */
const firstHan = "\u3000";
/** A dot behind a longer word is that of no abbreviation. */
const sentences = /^.*[a-z]{5}\. /is;
/** What belongs to no word and joins none: a comma, a digit, letters of another script. */
const signs = /[^A-Za-z_ .#("'[\]-]+/g;
/** Between a word and the number stands nothing else: a comma, or another number, ends what belongs to it. */
const isBeside = /\p{L}[ .:#=_("'[-]*$/u;

/**
 * Whether the words right before a number call it something else than this parcel's: "Passport No", "Return of", 「退货单号」.
 *
 * Takes:   `at`, where the number begins in `text`.
 * Cost:    looks at the 48 characters before the number.
 */
export function isCalledOther(text: string, at: number): boolean {
  const tail = normalized(text.slice(Math.max(0, at - tailMax), at));
  const last = isBeside.exec(tail);
  if (last === null) return false;
  return last[0] >= firstHan
    ? han.test(withoutElectronic(simplified(tail)))
    : isNamedOther(wordsIn(tail.replace(sentences, "").replace(/[:=]/g, " ").replace(signs, " | ")));
}

function isNamedOther(words: readonly string[]): boolean {
  for (let last = words.length - 1; last >= 0 && words.length - last <= betweenMax + 1; last -= 1) {
    const word = words[last]!;
    if (wordsOfAnother.has(word) || documents.has(word) || documents.has(`${words[last - 1]} ${word}`)) return true;
    if (!between.has(word)) return false;
  }
  return false;
}
