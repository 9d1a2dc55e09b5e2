import { s10CheckDigit } from "./check-digit.ts";
import { isCountry } from "./country.ts";

const shape = /^[A-Z]{2}\d{9}[A-Z]{2}$/;

/**
 * Whether a code is a postal item number such as `RB123456785GB`: shape, check digit and country of origin.
 *
 * Source:  UPU S10; the country is one of ISO 3166-1 alpha-2.
 */
export function isS10(code: string): boolean {
  if (code.length !== 13 || !shape.test(code)) return false;
  return isCountry(code.slice(11)) && s10CheckDigit(code.slice(2, 10)) === Number(code[10]);
}
