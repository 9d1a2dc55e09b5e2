import { isFedex, isUps, isUsps } from "./parcel.ts";

/** Carriers whose waybill numbers have a shape of their own. */
export type WaybillCarrier =
  | "sf"
  | "yto"
  | "zto"
  | "sto"
  | "yunda"
  | "jd"
  | "jt"
  | "ems"
  | "deppon"
  | "cainiao"
  | "ups"
  | "usps"
  | "fedex";

/** The shortest and the longest of the shapes below; another code is none of them, and no expression looks at it. */
const lengthMin = 12;
const lengthMax = 26;

/**
 * One shape per carrier, over the whole code and ASCII only.
 *
 * The carriers of China publish no check digit, so that a shape makes a carrier a candidate and proves nothing.
 */
const shapes: readonly (readonly [WaybillCarrier, Pick<RegExp, "test">])[] = [
  ["sf", /^SF[A-Z0-9]\d{12}$/i],
  ["yto", /^YT\d{13}$/i],
  ["zto", /^7[3-68]\d{12}$/],
  ["sto", /^(?:77|43)\d{12,15}$/],
  ["yunda", /^(?:[34]\d{14}|5\d{12})$/],
  ["jd", /^JD[A-Z0-9]{2}\d{11}$/i],
  ["jt", /^JT\d{13}$/i],
  ["ems", /^(?:[981]\d{12}|P[A-Z]\d{11})$/i],
  ["deppon", /^DPK\d{12}$/i],
  ["cainiao", /^621\d{12}$/],
  ["ups", { test: isUps }],
  ["usps", { test: isUsps }],
  ["fedex", { test: isFedex }],
];

/**
 * The carriers whose waybill number the code may be, in a fixed order; none if it has no known shape.
 *
 * Shapes overlap: `43` with 13 digits more is STO's and Yunda's.
 */
export function candidates(code: string): readonly WaybillCarrier[] {
  const found: WaybillCarrier[] = [];
  if (code.length < lengthMin || code.length > lengthMax) return found;
  for (const [carrier, shape] of shapes) if (shape.test(code)) found.push(carrier);
  return found;
}
