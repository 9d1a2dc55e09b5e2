import { describe, expect, it } from "vitest";
import { isAmbiguousTag, isIdentityNumber, isPersonalNumber, mayBePersons } from "../../src/guard/personal.ts";

describe("a personal number", () => {
  it.each([
    ["mobile", "13800138000"],
    ["mobile with extension", "138001380001234"],
    ["mobile with 86", "8613800138000"],
    ["mobile with +86", "+8613800138000"],
    ["mobile with 0086", "008613800138000"],
    ["mobile with 86 and extension", "86138001380001234"],
    ["landline", "057128059570"],
    ["landline of Beijing", "01066668888"],
    ["landline with 86", "8657128059570"],
    ["UnionPay card", "6222021234567894"],
    ["Visa test card", "4111111111111111"],
    ["American Express test card", "378282246310005"],
    ["IMEI", "356938035643809"],
    ["resident identity", "11010519491231002X"],
    ["resident identity with a small x", "11010519491231002x"],
    ["resident identity, check digit stripped", "11010519491231002"],
    ["resident registration of Korea", "9001011234568"],
    ["one of this century", "1102033123459"],
  ])("is seen: %s", (_, code) => {
    expect(isPersonalNumber(code)).toBe(true);
  });

  it.each([
    ["SF", "SF1385628716739"],
    ["ZTO", "73610555582883"],
    ["STO", "773277027280336"],
    ["Yunda", "463431409940372"],
    ["EMS", "1207119765021"],
    ["card with a wrong check digit", "4111111111111112"],
    ["identity with a wrong check digit", "110105194912310021"],
    ["Korea's with a wrong check digit", "9001011234567"],
    ["Korea's of a month that is none", "9013011234560"],
    ["Korea's of a sex that fits no such year", "9001013234561"],
    ["nothing", ""],
    ["a long run of digits", "1".repeat(3_072)],
  ])("is not seen in %s", (_, code) => {
    expect(isPersonalNumber(code)).toBe(false);
  });
});

describe("a resident identity number", () => {
  it("needs a province, a date and its check character", () => {
    expect(isIdentityNumber("11010519491231002X")).toBe(true);
    expect(isIdentityNumber("110105194912310020")).toBe(false);
    expect(isIdentityNumber("09010519491231002")).toBe(false);
    expect(isIdentityNumber("11010519491331002")).toBe(false);
    expect(isIdentityNumber("11010518491231002")).toBe(false);
  });

  it("begins with a province of GB/T 2260, or with 91 as those of foreigners do, and so does one of 15 digits of old", () => {
    const provinces =
      "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83 91";
    const all = Array.from({ length: 100 }, (_, n) => String(n).padStart(2, "0")).slice(1);
    expect(all.filter((start) => isIdentityNumber(`${start}010119900307447`)).join(" ")).toBe(provinces);
    expect(all.filter((start) => mayBePersons(`${start}0101900307447`)).join(" ")).toBe(provinces);
  });
});

describe("a tag", () => {
  it("that holds text or a decimal number is ambiguous though it decodes", () => {
    expect(isAmbiguousTag(Buffer.from("057128059570").toString("hex").toUpperCase())).toBe(true);
    expect(isAmbiguousTag("330102195001041208000000")).toBe(true);
  });

  it("that merely lacks letters is not", () => {
    expect(isAmbiguousTag("301425711234567800000123")).toBe(false);
  });
});
