import { codeAt, isDigit, isLetter } from "./characters.ts";
import type { Finding } from "./finding.ts";

/** What ends the name of a place in Chinese and Japanese: province, city, district, street … */
const placeEnds = "省市区區县縣镇鎮乡鄉村街道路巷弄里坊屯旗州盟都府県町郷庄苑园園寓湾城郡厦廈庭";
/** Of these, the ends of what is so small that a bare number behind them is that of a house. */
const smallEnds = "村街道路巷弄里坊屯庄苑园園寓湾城厦廈庭区町内";
/** What stands behind the number of a house, a stair or a room. */
const unitEnds = "号號栋棟幢座单單室层層楼樓弄组組户戶院番丁舍";
/** `3号袋` is a bag, `1号道口` a gate, and neither a house. */
const gates = "送到派袋道线門门口车機机台位格";
const numerals = "〇零一二三四五六七八九十百";

/** What each character of Chinese and Japanese says of an address, looked up by its code. */
const is = { placeEnd: 1, smallEnd: 2, unitEnd: 4, numeral: 8, gate: 16 } as const;
const firstHan = 0x3000;
const roles = new Uint8Array(0xa000 - firstHan);
for (const [role, characters] of [
  [is.placeEnd, placeEnds],
  [is.smallEnd, smallEnds],
  [is.unitEnd, unitEnds],
  [is.numeral, numerals],
  [is.gate, gates],
] as const)
  for (const character of characters) roles[character.charCodeAt(0) - firstHan]! |= role;

function roleAt(text: string, at: number): number {
  const code = codeAt(text, at);
  return code >= firstHan ? (roles[code - firstHan] ?? 0) : 0;
}

function says(text: string, at: number, role: number): boolean {
  return (roleAt(text, at) & role) !== 0;
}

/** From the name of a place to the number of a house it is no farther. */
const reachMax = 48;
/** What of the text before the first name of a place belongs to it. */
const nameMax = 8;

function isHan(text: string, at: number): boolean {
  const code = codeAt(text, at);
  return code >= 0x3040 && code <= 0x9fff;
}

function isCount(text: string, at: number): boolean {
  const code = codeAt(text, at);
  return isDigit(code) || isLetter(code) || says(text, at, is.numeral);
}

/** No address without one of them. */
const anyPlaceEnd = new RegExp(`[${placeEnds}]`);

/**
 * Adds the addresses in Chinese and Japanese: the name of a place, and behind it a number with a house, a stair or a room, or
 * right behind a street or an estate a bare one.
 *
 * Takes:   normalized text.
 * A town alone is none, nor is a street: 「378嘉兴」 and 「文三路」 tell of nobody.
 * Cost:    linear, a look or two at each character.
 */
export function addEastern(text: string, found: Finding[]): void {
  if (!anyPlaceEnd.test(text)) return;
  const foundBefore = found.length;
  let start = -1;
  let last = -1;
  const note = (end: number): void => {
    const before = found.length > foundBefore ? found.at(-1) : undefined;
    const isSame = before !== undefined && before.end >= start;
    if (isSame) found.pop();
    found.push({ kind: "address", start: isSame ? before.start : start, end });
  };
  for (let at = 0; at < text.length; at += 1) {
    if (isDigit(codeAt(text, at)) && last >= 0 && isBehindSmallPlace(text, at, last)) {
      const end = endOfNumber(text, at);
      if (end > at && !/[0-9A-Za-z件个袋单]/.test(text[end] ?? " ")) {
        note(end);
        last = end - 1;
        at = end - 1;
      }
      continue;
    }
    const role = roleAt(text, at);
    if ((role & is.unitEnd) !== 0 && last >= 0 && at - last <= reachMax && isCount(text, at - 1)) {
      if (isDayOrGate(text, at)) continue;
      note(at + 1);
      last = at;
    } else if ((role & is.placeEnd) !== 0 && isHan(text, at - 1)) {
      if (last < 0 || at - last > reachMax) start = startOfName(text, at);
      last = at;
    }
  }
}

/** Whether what stands right before is the end of a street or an estate; `last`, where the last place ended. */
function isBehindSmallPlace(text: string, at: number, last: number): boolean {
  if (!says(text, at - 1, is.smallEnd)) return false;
  return last === at - 1 || (text[at - 1] === "内" && at - last <= nameMax);
}

/** Whether a number with 号 is a day or a gate and no house. */
function isDayOrGate(text: string, at: number): boolean {
  if (text[at] !== "号" && text[at] !== "號") return false;
  if (says(text, at + 1, is.gate)) return true;
  return isDigit(codeAt(text, at - 1)) && text[isDigit(codeAt(text, at - 2)) ? at - 3 : at - 2] === "月";
}

/** The end of `3-2-501` or `5#801`, which a house of one number of two digits or more is too; `at` if it is none. */
function endOfNumber(text: string, at: number): number {
  const [number = ""] = /^\d{1,5}(?:[-#]\d{1,5}){1,3}|^\d{2,4}/.exec(text.slice(at, at + 24)) ?? [];
  return at + number.length;
}

function startOfName(text: string, end: number): number {
  let start = end;
  while (start > 0 && end - start < nameMax && isHan(text, start - 1)) start -= 1;
  return start;
}
