import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { leaksOf } from "../../src/guard/detect/leaks.ts";
import { Search } from "../../src/guard/detect/search.ts";
import { readLabels } from "../../src/guard/label/read-label.ts";
import { aFirstRead, cleared } from "./build.ts";
import { hostileBytes } from "./hostile.ts";

describe("R28 a hostile code", () => {
  it.each(hostileBytes)("%s leaves as a token", (_, code) => {
    const { data } = cleared(aFirstRead({ code, symbology: "]Q1" }));
    expect(data).toMatchObject({ codeClass: "unknown", length: code.length });
    expect(data.code).toBeUndefined();
  });

  it("of any bytes is taken apart without a complaint, in whatever envelope", () => {
    const starts = [
      "",
      "[)>\x1e01\x1d",
      "MMM={",
      "{",
      "https://a.cn/",
      "BEGIN:VCARD\n",
      "MECARD:",
      "00",
      "420",
      "tel:",
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...starts),
        fc.uint8Array({ maxLength: 400 }),
        fc.constantFrom("]Q1", "]C1", undefined),
        (start, bytes, symbology) => {
          const labels = readLabels(Buffer.concat([Buffer.from(start), bytes]), symbology);
          expect(labels.length).toBeGreaterThan(0);
          expect(leaksOf(new Search(labels))).toBeInstanceOf(Array);
        },
      ),
      { numRuns: 5_000 },
    );
  });
});
