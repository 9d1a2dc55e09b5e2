import type { Random } from "./random.ts";

/** A code as it is printed on a label, with the symbology under which a scanner reports it. */
export interface PrintedCode {
  /** What the scanner reads, without the AIM identifier; one character for each byte. */
  readonly text: string;
  /** AIM symbology identifier (ISO/IEC 15424). */
  readonly symbology: string;
}

/** A printed code that may leave in clear. */
export interface Waybill extends PrintedCode {
  /** What names the parcel: for an SSCC its 18 digits without the application identifier, else the text itself. */
  readonly code: string;
}

/** The check digit of a UPU S10 number: weights 8 6 4 2 3 5 9 7, modulo 11. */
export function s10CheckDigit(serial: string): number {
  const weights = [8, 6, 4, 2, 3, 5, 9, 7];
  const sum = weights.reduce((total, weight, at) => total + weight * Number(serial[at]), 0);
  const digit = 11 - (sum % 11);
  return digit === 10 ? 0 : digit === 11 ? 5 : digit;
}

/** The GS1 check digit of the digits before it: weights 3, 1, 3, … from the right, modulo 10. */
export function gs1CheckDigit(digits: string): number {
  let sum = 0;
  for (let at = 0; at < digits.length; at += 1) sum += Number(digits[digits.length - 1 - at]) * (at % 2 === 0 ? 3 : 1);
  return (10 - (sum % 10)) % 10;
}

function plain(code: string, symbology = "]C0"): Waybill {
  return { text: code, symbology, code };
}

/**
 * Makers of labels, by the carriers' shapes.
 *
 * Source: the shapes of parcel identifiers in public use; none of the carriers' own has a public check digit.
 */
const makers: readonly ((random: Random) => Waybill)[] = [
  (random) => plain(`SF1${random.digits(12)}`),
  (random) => plain(`YT${random.digits(13)}`),
  (random) => plain(`7${random.pick(["3", "5", "8"])}${random.digits(12)}`),
  (random) => plain(`77${random.digits(13)}`),
  (random) => plain(`46${random.digits(13)}`),
  (random) => plain(`JDVA${random.digits(11)}`),
  (random) => plain(`JT${random.digits(13)}`),
  (random) => {
    const serial = random.digits(8);
    const prefix = random.pick(["RB", "CP", "LX", "EE"]);
    return plain(`${prefix}${serial}${s10CheckDigit(serial)}${random.pick(["CN", "GB", "US", "DE"])}`, "]A0");
  },
  (random) => {
    const digits = `1${random.pick(["0614141", "6901234"])}${random.digits(9)}`;
    const code = digits + gs1CheckDigit(digits);
    return { text: `00${code}`, symbology: "]C1", code };
  },
];

/** A waybill of one of several carriers, an S10 item or an SSCC label; each valid in shape and check digit. */
export function printWaybill(random: Random): Waybill {
  return random.pick(makers)(random);
}
