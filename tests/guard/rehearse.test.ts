import { describe, expect, it } from "vitest";
import { leaksOf } from "../../src/guard/detect/leaks.ts";
import { readLabels } from "../../src/guard/label/read-label.ts";
import { createRehearsal, rehearsedCodes } from "../../src/guard/rehearse.ts";
import { guardSettings } from "../../src/guard/settings.ts";

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
      "vcard",
      "yto-json",
    ]);
  });

  it("shows what is looked for", () => {
    const kinds = new Set(labels.flatMap((readings) => leaksOf(readings)));
    expect([...kinds].sort()).toStrictEqual(["address", "card", "email", "identity", "name", "phone"]);
  });

  it("is not longer than a code may be", () => {
    for (const code of codes) expect(code.length).toBeLessThanOrEqual(3_072);
  });

  it("comes to an end", () => {
    const step = createRehearsal(guardSettings.parse({ core: "mask" }));
    let stepCount = 1;
    while (step()) stepCount += 1;
    expect(stepCount).toBe(codes.length * 24);
  });
});
