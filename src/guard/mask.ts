import type { FieldKind } from "./label/field.ts";
import { normalized } from "./label/normalized.ts";

/** How much of what is somebody's a mask hides. */
export type MaskPreset = "documents" | "gbt41833";

/** One sign for whatever is hidden: how much it was is nobody's business either. */
const dots = "***";

/**
 * A value for eyes that may know that it is there, and no more.
 *
 * Takes:   `documents`: the middle four digits of a telephone, an address from the number of the house on.
 *          `gbt41833` (GB/T 41833-2022: six digits or more, a character or more of a name, unit and room): six digits of
 *          a telephone, and of an address all behind the district. Of other kinds both hide the same.
 * Gives:   what is left, with `***` for what is hidden; `***` alone where nothing may stay, or where the value is not
 *          what its kind says.
 * Cost:    linear.
 */
export function maskValue(kind: FieldKind, value: string, preset: MaskPreset): string {
  if (kind === "phone") return maskPhone(value, preset);
  if (kind === "name") return maskName(value);
  if (kind === "address") return maskAddress(value, preset);
  if (kind === "waybill" || kind === "sscc")
    return value.length < 12 ? dots : value.slice(0, 2) + dots + value.slice(-4);
  return dots;
}

/** Words before an extension; with other words, or more digits than an extension has, it is no telephone alone. */
const extensionWords = /转接?|轉接?|分[机機]|ext|x/giu;
const digitsMax = 21;

/** Seven digits and more in a row are most of a telephone: what stands behind is its extension only after a dash. */
const more = /\d{7}[^\d-]+\d/;
const mobileWithExtension = /^(?:(?:00)?860?)?1[3-9]\d{13}$/;

/** The first three digits stay, and the last four or two; of a number with another one behind it nothing does. */
function maskPhone(value: string, preset: MaskPreset): string {
  const digits = value.replace(/\D/g, "");
  const plain = value.replace(extensionWords, "-");
  if (digits.length > digitsMax || /\p{L}/u.test(plain)) return dots;
  if (more.test(plain.replace(/ ?[-#*] ?/g, "-")) && !mobileWithExtension.test(digits)) return dots;
  const [hidden, kept] = preset === "documents" ? [4, 4] : [6, 2];
  return digits.length < 3 + hidden + kept ? dots : digits.slice(0, 3) + dots + digits.slice(-kept);
}

/** The first character stays: of a Chinese name that is the family name, of others an initial. */
function maskName(value: string): string {
  const [first] = /^\p{L}(?=.)/u.exec(value.trim()) ?? [];
  return first === undefined ? dots : first + dots;
}

/** Where an address begins: behind a province nothing else is taken for one, for 海南 is a name of persons too. */
const province =
  /(?<=^|[\s,;:|，；：、。])(?:北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|甘肃|青海|台湾|内蒙古|广西|西藏|宁夏|新疆|香港|澳门)(?:省|市|自治区)?/u;
/** Names of towns and districts: Chinese characters that are no part of something smaller, and a few of them. */
const town = /^(?:(?![镇乡村街路道园校院社小])\p{Script=Han}){1,6}?[市州]/u;
const district =
  /^(?:(?:(?![镇乡村街路道园校院社小])\p{Script=Han}){1,3}?[区县旗]|(?:(?![镇乡村街路道园校院社小])\p{Script=Han}){1,4}新区|(?:(?![镇乡村街路道园校院社小])\p{Script=Han}){2,10}?自治[县旗])/u;
const street = /^(?:(?![镇乡村])\p{Script=Han}){1,5}?(?:路|街|大道|胡同|巷|弄)/u;
const numeralRun = /[〇零一二三四五六七八九]{3}/u;

/** Step by step from the province on, as long as each is what it should be. */
function maskAddress(value: string, preset: MaskPreset): string {
  const plain = normalized(value);
  const start = province.exec(plain);
  if (start === null) return dots;
  let [kept] = start;
  for (const step of preset === "documents" ? [town, district, street] : [town, district])
    kept += step.exec(plain.slice(start.index + kept.length))?.[0] ?? "";
  return (numeralRun.test(kept) ? "" : kept) + dots;
}
