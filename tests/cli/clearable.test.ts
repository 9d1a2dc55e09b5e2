import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isClearable } from "../../src/cli/probe/clearable.ts";
import { classify } from "../../src/guard/classify.ts";
import { type CarrierName, carrierNames } from "../../src/guard/settings.ts";
import { bytesOf } from "../../src/lib/bytes.ts";
import { isSscc } from "../../src/model/code/sscc.ts";

const digits = (from: number, to: number = from) =>
  fc.array(fc.constantFrom(..."0123456789"), { minLength: from, maxLength: to }).map((list) => list.join(""));
const prefixed = (prefixes: readonly string[], from: number, to: number) =>
  fc.tuple(fc.constantFrom(...prefixes), digits(from, to)).map((parts) => parts.join(""));
const hex = fc
  .tuple(
    fc.constantFrom("30", "31", "32", "33", "34", "2C", "2D", "35", "36", "3C"),
    fc.array(fc.constantFrom(..."0123456789ABCDEF"), { minLength: 22, maxLength: 22 }).map((list) => list.join("")),
  )
  .map((parts) => parts.join(""));
const asciiTag = digits(7, 12).map((text) =>
  Buffer.from(text.padEnd(12, "\0"), "latin1").toString("hex").toUpperCase(),
);

/** Decimal digits as tag writers put them: the number, filled up with zeros. */
const decimalTag = prefixed(["30", "31", "32", "33", "34", "35", "36"], 14, 17).map((text) => text.padEnd(24, "0"));

/** 17 digits and the check digit of GS1. */
function withCheckDigit(body: string): string {
  return [..."0123456789"].map((check) => body + check).find(isSscc)!;
}

const letter = fc.constantFrom(..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

/** Numbers of persons, of parcels, and what lies between. */
const code = fc.oneof(
  digits(8, 20),
  prefixed(["13", "138", "86138", "+86138", "0086138", "010", "0086"], 6, 16),
  prefixed(["SF1", "YT", "JD0A", "JT", "PH1", "PA", "DPK", "EE"], 9, 15),
  prefixed(["73", "77", "43", "3", "4", "5", "9", "8", "1", "621"], 9, 15),
  fc
    .tuple(fc.constantFrom("430102", "110101"), fc.constantFrom("19800101", "20001231"), digits(3, 4))
    .map((p) => p.join("")),
  prefixed(["00"], 18, 18),
  // With a right check digit, alone or with separators behind it.
  fc.tuple(digits(17), fc.constantFrom("", "\x1d", "\x1d\x1d")).map(([body, end]) => `00${withCheckDigit(body)}${end}`),
  // What may be a parcel's in bars, and may be anything in dots.
  prefixed(["9", "8", "1", "5", "61", "72"], 11, 12),
  fc.string({ maxLength: 24 }),
);
/** Every AIM identifier that there may be, those of GS1 and of dots more often. */
const symbology = fc.oneof(
  fc.constantFrom(undefined, "]C0", "]C1", "]E0", "]d2", "]Q1", "]Q3", "]e0", "]J1", "]h0", "]g0"),
  fc.tuple(letter, fc.constantFrom(..."0123456789")).map(([kind, modifier]) => `]${kind}${modifier}`),
);
const carriers = fc.subarray([...carrierNames] as CarrierName[]);

describe("what a probe shows in clear", () => {
  test("is never a barcode that the guard would not clear", () => {
    fc.assert(
      fc.property(code, symbology, carriers, (text, aim, names) => {
        if (!isClearable(text, "barcode", aim, names)) return;
        expect(classify(bytesOf(text), "barcode", aim, new Set(names)).code).toBeDefined();
      }),
      { numRuns: 20_000 },
    );
  });

  test("is never a tag that the guard would not clear", () => {
    fc.assert(
      fc.property(fc.oneof(hex, asciiTag, decimalTag), (text) => {
        if (!isClearable(text, "rfid", undefined, [])) return;
        expect(classify(bytesOf(text), "rfid", undefined, new Set()).code).toBeDefined();
      }),
      { numRuns: 20_000 },
    );
  });

  test("is no dozen of digits in any dots, and no SSCC with a separator where GS1 is not proven", () => {
    const shown = (text: string, aim: string | undefined): [boolean, boolean] => [
      isClearable(text, "barcode", aim, carrierNames),
      classify(bytesOf(text), "barcode", aim, new Set(carrierNames)).code !== undefined,
    ];
    for (const aim of ["]h0", "]g0", "]d1", "]Q1", "]L0", "]z0", "]U0", "]e1", "]J0"])
      expect(shown("9123456789012", aim), aim).toEqual([false, false]);
    expect(shown("9123456789012", "]C0")).toEqual([true, true]);
    const sscc = "00106141411234567897";
    for (const aim of [undefined, "]C0", "]h0", "]g0"]) expect(shown(`${sscc}\x1d`, aim), aim).toEqual([false, false]);
    for (const aim of [undefined, "]C0", "]h0", "]C1", "]d2"]) expect(shown(sscc, aim), aim).toEqual([true, true]);
    for (const aim of ["]C1", "]d2", "]Q3"]) expect(shown(`${sscc}\x1d`, aim), aim).toEqual([true, true]);
  });

  test("is a waybill, an S10 number, an SSCC and an EPC, where the site has them", () => {
    const all = carrierNames;
    for (const text of ["SF1385628716739", "75123456789012", "EE123456785CN", "00106141411234567897"])
      expect(isClearable(text, "barcode", undefined, all), text).toBe(true);
    expect(isClearable("3074257BF7194E4000001A85", "rfid", undefined, [])).toBe(true);
    expect(isClearable("SF1385628716739", "barcode", undefined, ["zto"])).toBe(false);
    expect(isClearable("EE123456785CN", "barcode", undefined, [])).toBe(false);
  });

  test("is no telephone, identity or card number, no product and no text", () => {
    for (const text of ["13812345678", "8613812345678", "4111111111111111", "110101199003071233", "ZHANG SAN", ""])
      expect(isClearable(text, "barcode", undefined, carrierNames), text).toBe(false);
    // Numbers of other countries, of fifteen digits of old, of Korea, and a telephone behind AI 420.
    for (const text of "491689467008 447911123456 971501234567 966512345678 821012345678 923001234567 917123456789 621000000906000 8001011234560 420013812345678".split(
      " ",
    ))
      expect(isClearable(text, "barcode", undefined, carrierNames), text).toBe(false);
    expect(isClearable("9123456789012", "barcode", "]E0", carrierNames)).toBe(false);
    // Twelve digits that may be India's or Japan's are FedEx's where bars are told, and nowhere else.
    const inBars = ["]C0", "]w0", "]X0", undefined].map((aim) =>
      isClearable("890848344931", "barcode", aim, carrierNames),
    );
    expect(inBars).toEqual([true, false, false, false]);
  });
});
