import { describe, expect, it } from "vitest";
import { createRandom, type Random } from "../../simulator/belt/random.ts";
import { classify } from "../../src/guard/classify.ts";
import { type CarrierName, carrierNames } from "../../src/guard/settings.ts";
import { isFedex } from "../../src/model/code/parcel.ts";
import { waybillMakers } from "./waybill-makers.ts";

const configured: ReadonlySet<CarrierName> = new Set(carrierNames);
const verdictOf = (code: string, symbology?: string) => classify(Buffer.from(code), "barcode", symbology, configured);

/** Permutations of the dihedral group of ten, as they come out of its table: written apart from the product's own. */
function verhoeff(body: string): number {
  const times = (a: number, b: number): number => {
    if (a < 5) return b < 5 ? (a + b) % 5 : 5 + ((a + b) % 5);
    return b < 5 ? 5 + ((a - b + 5) % 5) : (a - b + 5) % 5;
  };
  const turn = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
  let sum = 0;
  [...body].reverse().forEach((digit, at) => {
    let value = Number(digit);
    for (let n = 0; n <= at % 8; n += 1) value = turn[value]!;
    sum = times(sum, value);
  });
  return [...Array(10).keys()].find((digit) => times(sum, digit) === 0)!;
}

function myNumber(body: string): string {
  const weights = [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2];
  const rest = weights.reduce((sum, weight, at) => sum + weight * Number(body[at]), 0) % 11;
  return body + (rest <= 1 ? 0 : 11 - rest);
}

const makers: Record<string, (random: Random) => string> = {
  "an Aadhaar number of India"(random) {
    const body = random.pick([..."23456789"]) + random.digits(10);
    return body + verhoeff(body);
  },
  "a My Number of Japan": (random) => myNumber(random.digits(11)),
  "a mobile number of Taiwan": (random) => `8869${random.digits(8)}`,
  "a mobile number of Indonesia": (random) => `628${random.digits(9)}`,
  "a mobile number of Turkey": (random) => `905${random.digits(9)}`,
  "a mobile number of Italy": (random) => `393${random.digits(9)}`,
  "a mobile number of Iran": (random) => `989${random.digits(9)}`,
  "a mobile number of China and a digit": (random) => `138${random.digits(9)}`,
};

describe("R06 twelve digits with FedEx's check digit", () => {
  it.each(Object.entries(makers))("R06 that are %s are never cleared unless bars tell FedEx's", (_, make) => {
    const random = createRandom(20_261_128);
    let count = 0;
    for (let n = 0; n < 5_000; n += 1) {
      const code = make(random);
      if (!isFedex(code)) continue;
      count += 1;
      for (const symbology of [undefined, "]X0", "]Q1", "]d2"])
        expect([code, symbology, verdictOf(code, symbology).code]).toEqual([code, symbology, undefined]);
      expect(verdictOf(code).person).toBeDefined();
      // Telephones of China are never cleared.
      if (!/^(?:0|86)/.test(code)) expect(verdictOf(code, "]C0")).toMatchObject({ code, carriers: ["fedex"] });
    }
    expect(count).toBeGreaterThan(300);
  });

  it.each([
    ["138857890291", { kind: "phone", value: "13885789029" }],
    ["393450743334", { kind: "phone", value: "393450743334" }],
    ["734467181027", { kind: "identity", value: "734467181027" }],
  ])("R06 have the mask and the token of what they may be: %s", (code, person) => {
    expect(verdictOf(code)).toStrictEqual({ codeClass: "unknown", person });
  });

  it("R06 are those numbers by their check digits", () => {
    expect(verhoeff("23412341234")).toBe(6);
    expect(myNumber("12345678901")).toBe("123456789018");
  });

  it("R06 are one in four of FedEx's where nothing tells bars, and leave as tokens", () => {
    const random = createRandom(20_261_128);
    let count = 0;
    for (let n = 0; n < 20_000; n += 1) if (verdictOf(waybillMakers.fedex(random)).code === undefined) count += 1;
    expect(count / 20_000).toBeGreaterThan(0.2);
    expect(count / 20_000).toBeLessThan(0.3);
  });
});
