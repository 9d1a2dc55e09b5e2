/**
 * Words that say: of an earlier or another parcel, not of this one. They stand in names of fields, and right before a
 * number.
 */
export const wordsOfAnother: ReadonlySet<string> = new Set(
  (
    "return returns returned returning rtn rma retour reverse exchange swap swapped replace replaces replacement replaced " +
    "refund old orig original prev previous former prior last cancelled canceled void voided wrong linked ref refs reference " +
    "references related other others another second alt alternative master child children sub parent"
  ).split(" "),
);

/** Whether one of the words of a name is such a word, but not that of a service: `last mile`. */
export function areOfAnother(words: readonly string[]): boolean {
  return words.some((word, at) => wordsOfAnother.has(word) && !services.has(`${word} ${words[at + 1]}`));
}

const services: ReadonlySet<string> = new Set(["last mile", "second day"]);

/** The same in Chinese and Japanese, of a number: where none is spoken of, 「转运中心」 is a place. */
const signs =
  "[退回换转母原旧子返]|[关関][联連]|其[他它]|另[一外]|上一|上次|前次|历史|作废|逆向|合并|元の?伝票|別の?伝票|親伝票";
/** Of a parcel itself. */
const parcels = "[退换返]件|退回件|(?:其[他它]|另一|上一)个?(?:包裹|快件)";
const anySign = new RegExp(signs, "u");
const anyParcel = new RegExp(parcels, "u");

/** The same right before a number, to be put into a pattern with the flag `u`. */
export const hanOfAnother = `(?:${signs})\\p{Script=Han}{0,4}[单号]|${parcels}`;

/** Whether a name in Chinese or Japanese is of another parcel. Takes it simplified. Cost: linear. */
export function isHanOfAnother(name: string): boolean {
  const plain = withoutElectronic(name);
  return (anySign.test(plain) && /[单号]/u.test(plain)) || anyParcel.test(plain);
}

/** 「电子面单」 is no child's. */
export function withoutElectronic(simple: string): string {
  return simple.replaceAll("电子", "");
}

/** Characters of Taiwan and Hong Kong in the names of fields, and what stands for them elsewhere. */
const [traditional, simple] = [
  "單號訂貨換編碼遞運證護條轉舊關聯簽電郵個歷廢併圓國際順豐韻達內發買機話絡繫顧戶蹤軍",
  "单号订货换编码递运证护条转旧关联签电邮个历废并圆国际顺丰韵达内发买机话络系顾户踪军",
];
const toSimplify = new RegExp(`[${traditional}]`, "gu");

/** Names of fields as they are written on the mainland. */
export function simplified(text: string): string {
  return text.replace(toSimplify, (one) => simple.charAt(traditional.indexOf(one)));
}
