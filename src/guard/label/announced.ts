/** Words for a person with the name right behind them. */
const glued = /^(?:收件人|收货人|寄件人|发件人|联系人|姓名)(\p{Script=Han}{2,4})$/u;
/** 「李女士」, and 「张伟先生收」; a longer word that ends with a title alone may be of goods, as 「新款女士」. */
const titled =
  /^(\p{Script=Han}(?:先生|女士|小姐)|\p{Script=Han}{2,4}?(?:先生|女士|小姐)(?=亲?[收启]))(?:亲?[收启])?$/u;
/** Either, with a number right behind it. */
const beforeNumber =
  /(?<![^ ])(?:(?:收件人|收货人|寄件人|发件人|联系人|姓名)\p{Script=Han}{2,4}|\p{Script=Han}{1,4}?(?:先生|女士|小姐)亲?[收启]?)(?=[+(]?\d)/gu;
/** No such word without one of them. */
const announcing = /[人名生士姐]/;
/** Up to four words with capitals; behind `Ship to` two or more, for one is a town. */
const english =
  /\b(?:(?:[Aa]ttn\.?|ATTN\.?|Mrs?\.?|Ms\.|Miss|MRS?\.|MS\.) (?=\p{Lu})|(?:[Ss]hip [Tt]o|SHIP TO) (?=\p{Lu}[\p{L}'-]* \p{Lu}))(\p{Lu}[\p{L}'-]*(?: \p{Lu}[\p{L}'-]*){0,3})(?![\p{L}\p{N}])/u;

/** The name in a word of Chinese that announces it: 「收件人李四」, 「李女士收」; undefined if there is none. */
export function nameInWord(word: string): string | undefined {
  return glued.exec(word)?.[1] ?? titled.exec(word)?.[1];
}

/** Text with a blank between such a word and a number. Cost: linear. */
export function withWordsApart(text: string): string {
  return announcing.test(text) ? text.replace(beforeNumber, "$& ") : text;
}

/** The first name behind `Attn`, `Mr.` or `Ship to`; a word with small letters or digits ends it. Cost: linear. */
export function nameInEnglish(text: string): string | undefined {
  return english.exec(text)?.[1];
}
