import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type CarrierName, carrierNames } from "../../../src/guard/settings.ts";
import { isCountry } from "../../../src/model/code/country.ts";
import { loneSscc, provesGs1, startsElementString } from "../../../src/model/code/gs1.ts";
import { isS10 } from "../../../src/model/code/s10.ts";
import { isSscc } from "../../../src/model/code/sscc.ts";
import { candidates, type WaybillCarrier } from "../../../src/model/code/waybill.ts";

describe("S10", () => {
  it.each(["RB123456785GB", "RB123456785US", "RB123456785CV", "RB123456785CF"])("%s is one", (code) => {
    expect(isS10(code)).toBe(true);
  });

  it.each(["RB123456786US", "RB123456785XX", "rb123456785gb", "RB123456785GB\n", " RB123456785GB", "RB12345678GB", ""])(
    "%j is none",
    (code) => {
      expect(isS10(code)).toBe(false);
    },
  );

  it("knows all 249 countries and no others", () => {
    const letters = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
    const known = letters.flatMap((one) => letters.map((two) => one + two)).filter(isCountry);
    expect(known.length).toBe(249);
    // Intl knows every one of them, besides a few that are reserved only.
    const names = new Intl.DisplayNames(["en"], { type: "region", fallback: "none" });
    expect(known.filter((code) => names.of(code) === undefined)).toStrictEqual([]);
  });
});

describe("SSCC", () => {
  it("has 18 digits and a check digit", () => {
    expect(isSscc("106141412345678908")).toBe(true);
    expect(isSscc("106141412345678907")).toBe(false);
    expect(isSscc("80614141123458")).toBe(false);
    expect(isSscc("10614141234567890 ")).toBe(false);
  });
});

describe("GS1", () => {
  it("is proven by five AIM identifiers, of which the case counts", () => {
    for (const symbology of ["]C1", "]d2", "]Q3", "]e0", "]J1"]) expect(provesGs1(symbology)).toBe(true);
    for (const symbology of [undefined, "", "]C0", "]c1", "]E0", "]D2", "]Q1", "C1"]) {
      expect(provesGs1(symbology)).toBe(false);
    }
  });

  it("knows the first two digits of every identifier of GS1's own dictionary, and no others", () => {
    const dictionary = readFileSync(new URL("../../captures/guard/gs1-syntax-dictionary.txt", import.meta.url), "utf8");
    const starts = new Set<string>();
    for (const [, from = "", to = from] of dictionary.matchAll(/^(\d{2,4})(?:-(\d{2,4}))?\s/gm)) {
      for (let identifier = Number(from); identifier <= Number(to); identifier++) {
        starts.add(String(identifier).padStart(from.length, "0").slice(0, 2));
      }
    }
    const all = Array.from({ length: 100 }, (_, index) => String(index).padStart(2, "0"));
    expect(starts.size).toBeGreaterThan(40);
    expect(all.filter(startsElementString)).toStrictEqual([...starts].sort());
    expect(startsElementString("SF1385628716739")).toBe(false);
    expect(startsElementString("")).toBe(false);
  });

  it("finds an SSCC only where it stands alone", () => {
    expect(loneSscc("00106141412345678908")).toBe("106141412345678908");
    expect(loneSscc("00106141412345678908\x1d")).toBe("106141412345678908");
    expect(loneSscc("001061414123456789084301X")).toBeUndefined();
    expect(loneSscc("00106141412345678908 ")).toBeUndefined();
    expect(loneSscc("01106141412345678908")).toBeUndefined();
    expect(loneSscc("106141412345678908")).toBeUndefined();
  });
});

describe("waybills", () => {
  it.each<[string, WaybillCarrier[]]>([
    ["SF1385628716739", ["sf"]],
    ["YT8962646785389", ["yto"]],
    ["73610555582883", ["zto"]],
    ["773277027280336", ["sto"]],
    ["463431409940372", ["yunda"]],
    ["5123456789012", ["yunda"]],
    ["JDX024407261700", ["jd"]],
    ["JDVA11408814483", ["jd"]],
    ["JT5261988016578", ["jt"]],
    ["1207119765021", ["ems"]],
    ["PA12345678901", ["ems"]],
    ["DPK202252612836", ["deppon"]],
    ["621123456789012", ["cainiao"]],
    ["431277027280336", ["sto", "yunda"]],
    ["1Z123A7V6850147020", ["ups"]],
    ["9400111201080805483016", ["usps"]],
    ["986578788855", ["fedex"]],
    ["", []],
    ["SF1385628716739\n", []],
    ["ЅF1385628716739", []],
    ["SF138562871673９", []],
    ["9".repeat(3_072), []],
  ])("%j may be of %j", (code, carriers) => {
    expect(candidates(code)).toStrictEqual(carriers);
  });

  it.each([
    "SF1385628716739",
    "YT8962646785389",
    "73610555582883",
    "77327702728033",
    "463431409940372",
    "5123456789012",
    "JDVA11408814483",
    "JT5261988016578",
    "1207119765021",
    "PA12345678901",
    "DPK202252612836",
    "621123456789012",
  ])("%s has nothing before or behind it", (code) => {
    for (const more of ["X", " ", "\n", "\x1d", "\u200b", "，"]) {
      expect(candidates(code)).not.toStrictEqual([]);
      expect(candidates(more + code)).toStrictEqual([]);
      expect(candidates(code + more)).toStrictEqual([]);
    }
  });

  it("have carriers that the settings know", () => {
    const known: readonly CarrierName[] = carrierNames;
    const chinese: WaybillCarrier[] = ["sf", "yto", "zto", "sto", "yunda", "jd", "jt", "ems", "deppon", "cainiao"];
    const shaped: WaybillCarrier[] = [...chinese, "ups", "usps", "fedex"];
    expect([...shaped, "s10", "sscc"].sort()).toStrictEqual([...known].sort());
  });
});
