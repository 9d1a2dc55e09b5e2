/** A mask: signs in place of characters, next to some that are left, or in the middle of digits. */
const mask =
  /\p{Script=Han}[*＊•●×]|\d[*＊•●×]{2,}|(?<![*＊•●×])[*＊•●×]{2,}\d|\d[xX]{3,}[\dxX]|\p{L}[*＊•●×]{2,}(?!\p{L})/u;

/** Of a text without one of these no word is masked. */
const maskSign = /[*＊•●×]|\d[xX]{3}/;
/** Blanks that are no lone space. */
const blanks = /\s\s+|[^\S ]/g;

/** The words of a value that are not masked. */
export function visible(value: string): string {
  if (!maskSign.test(value)) return value.replace(blanks, " ");
  return value.split(/\s+/).filter(isShown).join(" ");
}

/** Stars at the end of a word alone are those of a footnote. */
function isShown(word: string): boolean {
  let end = word.length;
  while (end > 0 && word[end - 1] === "*") end -= 1;
  return end < 2 || !mask.test(word.slice(0, end));
}
