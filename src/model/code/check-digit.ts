const zero = 48;

/** The value of the digit at `index`, or undefined if there is none or something else. */
function digitAt(text: string, index: number): number | undefined {
  const value = text.charCodeAt(index) - zero;
  return value >= 0 && value <= 9 ? value : undefined;
}

/** The sum of the digits, each first changed by `weigh`; undefined if anything but a digit is among them. */
function weighedSum(digits: string, weigh: (value: number, fromRight: number) => number): number | undefined {
  let sum = 0;
  for (let index = 0; index < digits.length; index++) {
    const value = digitAt(digits, index);
    if (value === undefined) return undefined;
    sum += weigh(value, digits.length - 1 - index);
  }
  return sum;
}

/**
 * Whether the last digit is the GS1 check digit of those before it (GTIN, SSCC, GSIN, …).
 *
 * Takes:   digits alone, at least two; anything else is false.
 * Source:  GS1 General Specifications §7.9: weights 3, 1, 3 … from the digit left of the check digit.
 */
export function hasGs1CheckDigit(digits: string): boolean {
  if (digits.length < 2) return false;
  const sum = weighedSum(digits, (value, fromRight) => (fromRight % 2 === 1 ? 3 * value : value));
  return sum !== undefined && sum % 10 === 0;
}

/**
 * Whether the last digit is a Luhn check digit, as payment cards and IMEIs have.
 *
 * Takes:   digits alone, at least two; anything else is false.
 * Source:  ISO/IEC 7812-1 annex B.
 */
export function hasLuhnCheckDigit(digits: string): boolean {
  if (digits.length < 2) return false;
  const sum = weighedSum(digits, (value, fromRight) => {
    if (fromRight % 2 === 0) return value;
    return value < 5 ? 2 * value : 2 * value - 9;
  });
  return sum !== undefined && sum % 10 === 0;
}

const identityWeights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2] as const;
const identityCheckDigits = "10X98765432";

/**
 * The check character of a resident identity number: a digit or `X`.
 *
 * Takes:   its first 17 digits; anything else gives undefined.
 * Source:  GB 11643, which is ISO 7064 MOD 11-2.
 */
export function identityCheckDigit(body: string): string | undefined {
  if (body.length !== identityWeights.length) return undefined;
  const sum = weighedSum(body, (value, fromRight) => value * (identityWeights[16 - fromRight] ?? 0));
  return sum === undefined ? undefined : identityCheckDigits[sum % 11];
}

const koreanWeights = [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5] as const;

/**
 * The check digit of a resident registration number of Korea; numbers given since October 2020 have none.
 *
 * Takes:   its first 12 digits; anything else gives undefined.
 * Source:  the weighed sum modulo 11, taken from 11, and of that the last digit.
 */
export function koreanCheckDigit(body: string): number | undefined {
  if (body.length !== koreanWeights.length) return undefined;
  const sum = weighedSum(body, (value, fromRight) => value * (koreanWeights[11 - fromRight] ?? 0));
  return sum === undefined ? undefined : (11 - (sum % 11)) % 10;
}

/** What each place further from the right does once more to its digit. */
const verhoeffTurn = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4] as const;

/** The product of two elements of the dihedral group of ten. */
function dihedral(a: number, b: number): number {
  if (a < 5) return b < 5 ? (a + b) % 5 : 5 + ((a + b) % 5);
  return b < 5 ? 5 + ((a - b) % 5) : (a - b + 5) % 5;
}

/**
 * Whether the last digit is a Verhoeff check digit, as Aadhaar numbers of India have.
 *
 * Takes:   digits alone, at least two; anything else is false.
 * Source:  J. Verhoeff, Error Detecting Decimal Codes (1969).
 */
export function hasVerhoeffCheckDigit(digits: string): boolean {
  if (digits.length < 2) return false;
  let sum = 0;
  for (let fromRight = 0; fromRight < digits.length; fromRight += 1) {
    let value = digitAt(digits, digits.length - 1 - fromRight);
    if (value === undefined) return false;
    for (let turn = 0; turn < fromRight % 8; turn += 1) value = verhoeffTurn[value]!;
    sum = dihedral(sum, value);
  }
  return sum === 0;
}

const japaneseWeights = [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2] as const;

/**
 * The check digit of an individual number of Japan (My Number).
 *
 * Takes:   its first 11 digits; anything else gives undefined.
 * Source:  Ordinance 85 of the Ministry of Internal Affairs (2014), article 5.
 */
export function japaneseCheckDigit(body: string): number | undefined {
  if (body.length !== japaneseWeights.length) return undefined;
  const sum = weighedSum(body, (value, fromRight) => value * (japaneseWeights[10 - fromRight] ?? 0));
  if (sum === undefined) return undefined;
  return sum % 11 <= 1 ? 0 : 11 - (sum % 11);
}

const s10Weights = [8, 6, 4, 2, 3, 5, 9, 7] as const;

/**
 * The check digit of a postal item number.
 *
 * Takes:   its eight digits; anything else gives undefined.
 * Source:  UPU S10: 11 less the weighed sum modulo 11, where 10 becomes 0 and 11 becomes 5.
 */
export function s10CheckDigit(serial: string): number | undefined {
  if (serial.length !== s10Weights.length) return undefined;
  const sum = weighedSum(serial, (value, fromRight) => value * (s10Weights[7 - fromRight] ?? 0));
  if (sum === undefined) return undefined;
  const remainder = 11 - (sum % 11);
  if (remainder === 10) return 0;
  return remainder === 11 ? 5 : remainder;
}
