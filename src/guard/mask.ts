import type { FieldKind } from "./label/field.ts";

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
  if (kind === "email") return maskMail(value);
  if (kind === "waybill" || kind === "sscc")
    return value.length < 12 ? dots : value.slice(0, 2) + dots + value.slice(-4);
  return dots;
}

/** The first three digits stay, and the last four or two. */
function maskPhone(value: string, preset: MaskPreset): string {
  const digits = value.replace(/\D/g, "");
  const [hidden, kept] = preset === "documents" ? [4, 4] : [6, 2];
  return digits.length < 3 + hidden + kept ? dots : digits.slice(0, 3) + dots + digits.slice(-kept);
}

/** The first character stays: of a Chinese name that is the family name, of others an initial. */
function maskName(value: string): string {
  const [first] = /^\p{L}(?=.)/u.exec(value.trim()) ?? [];
  return first === undefined ? dots : first + dots;
}

/** What an address may begin with: what stands before is no part of it, and may be a name. */
const provinces =
  /(?:北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|甘肃|青海|台湾|内蒙古|广西|西藏|宁夏|新疆|香港|澳门)/u;
const toDistrict = /^[^0-9０-９]{2,16}?(?:区|县|旗)/u;
const toStreet = /^[^0-9０-９]{2,24}?(?:路|街|大道|胡同|巷|弄)/u;

function maskAddress(value: string, preset: MaskPreset): string {
  const start = value.search(provinces);
  if (start < 0) return dots;
  const [kept = ""] = (preset === "documents" ? toStreet : toDistrict).exec(value.slice(start)) ?? [];
  return kept + dots;
}

function maskMail(value: string): string {
  const sign = value.lastIndexOf("@");
  return sign < 1 ? dots : dots + value.slice(sign);
}
