import { describe, expect, it } from "vitest";
import { isFedex, isUps, isUsps, upsNumber, uspsBehindZip } from "../../../src/model/code/parcel.ts";

const gs = "\x1d";
const usps = "9400111201080805483016";

/** All texts that differ from this one by one digit. */
function withOneDigitChanged(code: string): string[] {
  return [...code].flatMap((character, at) =>
    /\d/.test(character)
      ? [...Array(10).keys()]
          .filter((digit) => digit !== Number(character))
          .map((digit) => `${code.slice(0, at)}${digit}${code.slice(at + 1)}`)
      : [],
  );
}

describe("numbers of carriers with check digits", () => {
  it.each([
    ["UPS", isUps, ["1Z5R89390357567127", "1Z879E930346834440", "1Z410E7W0392751591", "1Z123A7V6850147020"]],
    ["USPS", isUsps, [usps, "9361289878700317633795"]],
    ["FedEx", isFedex, ["986578788855", "477179081230", "799531274483", "790535312317"]],
  ] as const)("%s: test numbers in public use are right", (_, isRight, codes) => {
    for (const code of codes) expect(isRight(code), code).toBe(true);
  });

  it.each([
    ["UPS", isUps, "1Z5R89390357567127"],
    ["USPS", isUsps, usps],
  ] as const)("%s: one wrong digit shows, but for what the check cannot see", (_, isRight, code) => {
    const changed = withOneDigitChanged(code);
    // Weights 2 and 3 modulo 10: every change of one digit shows with 3, with 2 those by five do not.
    expect(changed.filter(isRight).length).toBeLessThan(changed.length / 12);
  });

  it.each([
    ["1Z5R8939035756712", isUps],
    ["1Z5R893903575671277", isUps],
    ["1z5r89390357567127", isUps],
    ["2Z5R89390357567127", isUps],
    ["940010969993886024692", isUsps],
    ["0400109699938860246923", isUsps],
    ["98657878885", isFedex],
    ["98657878885X", isFedex],
    ["", isFedex],
  ] as const)("%j is none", (code, isRight) => {
    expect(isRight(code)).toBe(false);
  });
});

describe("a number that a label has in pieces", () => {
  it("is put together, and only with its check digit", () => {
    expect(upsNumber("123A7V", "068", "1Z50147020")).toBe("1Z123A7V6850147020");
    expect(upsNumber("123A7V", "002", "1Z50147020")).toBeUndefined();
    expect(upsNumber("1X2X3X", "068", "1Z50147020")).toBeUndefined();
    expect(upsNumber("", "", "")).toBeUndefined();
  });

  it("is whole already on some labels", () => {
    expect(upsNumber("", "", "1Z123A7V6850147020")).toBe("1Z123A7V6850147020");
  });

  it.each([`42094105${usps}`, `420941051234${usps}`, `42094105${gs}${usps}`, `420941051234${gs}${usps}`])(
    "stands behind the ZIP code in %j",
    (code) => {
      expect(uspsBehindZip(code)).toBe(usps);
    },
  );

  it.each(["", "420", "42094105", usps, `4209410${usps}`, `42094105${usps.slice(0, -1)}0`])(
    "does not in %j",
    (code) => {
      expect(uspsBehindZip(code)).toBeUndefined();
    },
  );
});
