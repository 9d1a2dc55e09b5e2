import { describe, expect, it } from "vitest";
import { createGuard, type Guard } from "../../src/guard/clear.ts";
import { leaksOf } from "../../src/guard/detect/leaks.ts";
import { Search } from "../../src/guard/detect/search.ts";
import { readLabels } from "../../src/guard/label/read-label.ts";
import { createRehearsal, rehearsedCodes } from "../../src/guard/rehearse.ts";
import { guardSettings } from "../../src/guard/settings.ts";
import { createTokenKeys } from "../../src/guard/tokens.ts";
import type { FirstRead } from "../../src/model/observation.ts";

describe("R28 what the guard is rehearsed with", () => {
  const codes = rehearsedCodes();
  const labels = codes.flatMap((code) => ["]Q1", "]C1"].map((symbology) => readLabels(code, symbology)));

  it("is written in every way in which labels are that are long", () => {
    expect([...new Set(labels.flat().map(({ format }) => format))].sort()).toStrictEqual([
      "contact-link",
      "fedex-pdf417",
      "gs1",
      "gs1-digital-link",
      "iso15434",
      "json",
      "mecard",
      "sf-mmm",
      "text",
      "ups-maxicode",
      "url",
      "usps-impb",
      "vcard",
      "yto-json",
    ]);
  });

  it("shows what is looked for", () => {
    const kinds = new Set(labels.flatMap((readings) => leaksOf(new Search(readings))));
    expect([...kinds].sort()).toStrictEqual(["address", "birth", "card", "email", "identity", "name", "phone"]);
  });

  it("is not longer than a code may be", () => {
    for (const code of codes) expect(code.length).toBeLessThanOrEqual(3_072);
  });

  it("R28 is looked at ten times under each symbology, and then comes to an end", () => {
    const settings = guardSettings.parse({ core: "mask" });
    const guard = createGuard({ settings, tokens: createTokenKeys(() => 0) });
    const looked: string[] = [];
    const look = (symbology: string | undefined, code: Uint8Array) =>
      `${symbology} ${Buffer.from(code).toString("hex")}`;
    const clear: Guard["clear"] = (observation, ...more) => {
      const event = guard.clear(observation, ...more);
      const { code, symbology } = observation as FirstRead;
      looked.push(look(symbology, code));
      return event;
    };
    const step = createRehearsal(settings, { clear });
    let stepCount = 1;
    while (step()) stepCount += 1;
    expect(stepCount).toBe(codes.length * 20);
    const round = ["]Q1", "]C1"].flatMap((symbology) => codes.map((code) => look(symbology, code)));
    expect(looked).toEqual(Array.from({ length: 10 }, () => round).flat());
  });
});
