import { hasGs1CheckDigit } from "./check-digit.ts";

/** Whether 18 digits are a serial shipping container code, by length and check digit. They may be other things too. */
export function isSscc(digits: string): boolean {
  return digits.length === 18 && hasGs1CheckDigit(digits);
}
