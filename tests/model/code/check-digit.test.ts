import { describe, expect, it } from "vitest";
import {
  hasGs1CheckDigit,
  hasLuhnCheckDigit,
  hasVerhoeffCheckDigit,
  identityCheckDigit,
  japaneseCheckDigit,
  s10CheckDigit,
} from "../../../src/model/code/check-digit.ts";

describe("GS1 mod 10", () => {
  it.each(["106141412345678908", "340123451111111111", "80614141123458", "4006381333931"])("holds for %s", (code) => {
    expect(hasGs1CheckDigit(code)).toBe(true);
  });

  it("fails for every other last digit", () => {
    const wrong = [..."012345679"].map((digit) => hasGs1CheckDigit(`10614141234567890${digit}`));
    expect(wrong).toStrictEqual(Array(9).fill(false));
  });

  it.each(["", "0", "10614141234567890X", "１06141412345678908", "4006381333931 ", "/:"])("is false for %j", (code) => {
    expect(hasGs1CheckDigit(code)).toBe(false);
  });
});

describe("Luhn", () => {
  it.each(["4111111111111111", "5555555555554444", "378282246310005", "79927398713"])("holds for %s", (code) => {
    expect(hasLuhnCheckDigit(code)).toBe(true);
  });

  it.each(["4111111111111112", "", "0", "411111111111111A"])("is false for %j", (code) => {
    expect(hasLuhnCheckDigit(code)).toBe(false);
  });
});

describe("the check character of an identity number", () => {
  it("is a digit or X", () => {
    expect(identityCheckDigit("11010519491231002")).toBe("X");
    expect(identityCheckDigit("44052418800101001")).toBe("4");
  });

  it("needs 17 digits", () => {
    expect(identityCheckDigit("1101051949123100")).toBeUndefined();
    expect(identityCheckDigit("1101051949123100A")).toBeUndefined();
  });
});

describe("the check digit of Verhoeff", () => {
  it.each(["2363", "123451", "234123412346", "999941057058", "84736430954837284567892"])("holds for %s", (code) => {
    expect(hasVerhoeffCheckDigit(code)).toBe(true);
  });

  it("fails for every other last digit, and for two digits that changed places", () => {
    const wrong = [..."012345789"].map((digit) => hasVerhoeffCheckDigit(`23412341234${digit}`));
    expect(wrong).toStrictEqual(Array(9).fill(false));
    expect(hasVerhoeffCheckDigit("324123412346")).toBe(false);
  });

  it.each(["", "0", "23412341234X"])("is false for %j", (code) => {
    expect(hasVerhoeffCheckDigit(code)).toBe(false);
  });
});

describe("the check digit of My Number", () => {
  it("is that of the ordinance", () => {
    expect(japaneseCheckDigit("12345678901")).toBe(8);
    expect(japaneseCheckDigit("00000000000")).toBe(0);
  });

  it("needs eleven digits", () => {
    expect(japaneseCheckDigit("1234567890")).toBeUndefined();
    expect(japaneseCheckDigit("1234567890A")).toBeUndefined();
  });
});

describe("the check digit of S10", () => {
  it.each([
    ["12345678", 5],
    ["47312482", 9],
    ["00000000", 5],
    ["00000008", 0],
  ])("of %s is %i", (serial, digit) => {
    expect(s10CheckDigit(serial)).toBe(digit);
  });

  it("needs eight digits", () => {
    expect(s10CheckDigit("1234567")).toBeUndefined();
    expect(s10CheckDigit("1234567A")).toBeUndefined();
  });
});
