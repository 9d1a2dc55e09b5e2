import type { Random } from "../../simulator/belt/random.ts";
import { gs1CheckDigit, s10CheckDigit } from "../../simulator/belt/waybills.ts";
import { classify } from "../../src/guard/classify.ts";
import { leaksOf } from "../../src/guard/detect/leaks.ts";
import { Search } from "../../src/guard/detect/search.ts";
import { readLabels } from "../../src/guard/label/read-label.ts";
import { type CarrierName, carrierNames } from "../../src/guard/settings.ts";

function upsValue(character: string): number {
  return /\d/.test(character) ? Number(character) : (character.charCodeAt(0) - 63) % 10;
}

const letters = [..."0123456789ABCDEFGHJKLMNPRSTVWXYZ"];

/** Any number of each carrier's shape, check digits right; EMS without those that may be a telephone with `86`. */
export const waybillMakers: Readonly<Record<CarrierName, (random: Random) => string>> = {
  sf: (random) => `SF${random.pick(letters)}${random.digits(12)}`,
  yto: (random) => `YT${random.digits(13)}`,
  zto: (random) => `7${random.pick([..."34568"])}${random.digits(12)}`,
  sto: (random) => `${random.pick(["77", "43"])}${random.digits(random.between(12, 15))}`,
  yunda: (random) => (random.chance(0.5) ? `${random.pick(["3", "4"])}${random.digits(14)}` : `5${random.digits(12)}`),
  jd: (random) => `JD${random.pick(letters)}${random.pick(letters)}${random.digits(11)}`,
  jt: (random) => `JT${random.digits(13)}`,
  ems: (random) =>
    `${random.pick(["9", "1", "80", "85", "87", `P${random.pick([..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"])}`])}${random.digits(12)}`.slice(
      0,
      13,
    ),
  deppon: (random) => `DPK${random.digits(12)}`,
  cainiao: (random) => `621${random.digits(12)}`,
  ups(random) {
    const body = Array.from({ length: 6 }, () => random.pick(letters)).join("") + random.digits(9);
    const sum = [...body].reduce((total, character, at) => total + upsValue(character) * (at % 2 === 0 ? 1 : 2), 0);
    return `1Z${body}${(10 - (sum % 10)) % 10}`;
  },
  usps(random) {
    const body = `9${random.pick([..."2345"])}${random.digits(random.pick([17, 19, 23]))}`;
    return body + gs1CheckDigit(body);
  },
  fedex(random) {
    const body = random.pick([..."12345679"]) + random.digits(10);
    const sum = [...body].reduce((total, digit, at) => total + Number(digit) * [3, 1, 7][at % 3]!, 0);
    return body + ((sum % 11) % 10);
  },
  s10(random) {
    const serial = random.digits(8);
    return `${random.pick(["RB", "CP", "LX", "EE"])}${serial}${s10CheckDigit(serial)}${random.pick(["CN", "GB", "US"])}`;
  },
  sscc(random) {
    const body = random.digits(17);
    return `00${body}${gs1CheckDigit(body)}`;
  },
};

const configured: ReadonlySet<CarrierName> = new Set(carrierNames);

function shows(code: Uint8Array, symbology: string | undefined, cleared: string): boolean {
  return leaksOf(new Search(readLabels(code, symbology)), cleared).length > 0;
}

/** What share of waybills of one shape, read in bars, is not cleared, or is taken to show something of a person. */
export function alarmShare(make: (random: Random) => string, random: Random, count: number): number {
  let alarmCount = 0;
  for (let n = 0; n < count; n += 1) {
    const code = Buffer.from(make(random), "latin1");
    const cleared = classify(code, "barcode", "]C0", configured).code;
    if (cleared === undefined || shows(code, "]C0", cleared)) alarmCount += 1;
  }
  return alarmCount / count;
}

/** What share of waybills of one shape is cleared, and taken to show something of a person all the same. */
export function leakShare(
  make: (random: Random) => string,
  random: Random,
  count: number,
  symbology: string | undefined,
): number {
  let leakCount = 0;
  for (let n = 0; n < count; n += 1) {
    const code = Buffer.from(make(random), "latin1");
    const cleared = classify(code, "barcode", symbology, configured).code;
    if (cleared !== undefined && shows(code, symbology, cleared)) leakCount += 1;
  }
  return leakCount / count;
}
