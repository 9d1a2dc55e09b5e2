import { hasGs1CheckDigit } from "./check-digit.ts";

/** Letters of a UPS number count as digits: A is 2, B is 3, and so on, beginning anew after 9. */
function upsValue(character: string): number {
  const code = character.charCodeAt(0);
  return code <= 57 ? code - 48 : (code - 63) % 10;
}

/**
 * Whether a code is a UPS number, `1Z` and 16 characters, by shape and check digit.
 *
 * Source:  the check in public use: odd places once, even places twice, from behind the `1Z`, modulo 10.
 */
export function isUps(code: string): boolean {
  if (code.length !== 18 || !/^1Z[0-9A-Z]{15}\d$/.test(code)) return false;
  let sum = 0;
  for (let at = 0; at < 15; at += 1) sum += upsValue(code[at + 2]!) * (at % 2 === 0 ? 1 : 2);
  return (10 - (sum % 10)) % 10 === Number(code[17]);
}

/**
 * The UPS number that a MaxiCode holds in pieces: shipper, the last two digits of the service, and `1Z` with eight digits.
 *
 * Gives:   undefined if the pieces make no number whose check digit is right.
 */
export function upsNumber(shipper: string, service: string, piece: string): string | undefined {
  if (isUps(piece)) return piece;
  if (piece.length !== 10 || !piece.startsWith("1Z")) return undefined;
  const code = `1Z${shipper}${service.slice(-2)}${piece.slice(2)}`;
  return isUps(code) ? code : undefined;
}

/**
 * Whether a code is a USPS number (IMpb): 20 to 26 digits that begin with 92 to 95, by check digit.
 *
 * Source:  USPS Publication 199; the check digit is that of GS1.
 */
export function isUsps(code: string): boolean {
  return (
    (code.length === 20 || code.length === 22 || code.length === 26) &&
    /^9[2-5]\d+$/.test(code) &&
    hasGs1CheckDigit(code)
  );
}

const fedexWeights = [3, 1, 7] as const;

/**
 * Whether a code is a FedEx number of 12 digits, by check digit.
 *
 * Source:  the check in public use: weights 3, 1, 7 from the left, modulo 11, where 10 becomes 0.
 */
export function isFedex(code: string): boolean {
  if (code.length !== 12 || !/^\d+$/.test(code)) return false;
  let sum = 0;
  for (let at = 0; at < 11; at += 1) sum += Number(code[at]) * fedexWeights[at % 3]!;
  return (sum % 11) % 10 === Number(code[11]);
}

/**
 * The USPS number in a barcode that has the way to the addressee before it: 420 and a ZIP code of 5 or 9 digits.
 *
 * Takes:   digits, with GS behind the ZIP code where the scanner sends it.
 * Gives:   undefined if no check digit fits, or two do: then nobody can tell where the ZIP code ends.
 */
export function uspsBehindZip(code: string): string | undefined {
  if (!code.startsWith("420")) return undefined;
  const fits = [8, 12].map((from) => code.slice(code[from] === "\x1d" ? from + 1 : from)).filter(isUsps);
  return fits.length === 1 ? fits[0] : undefined;
}
