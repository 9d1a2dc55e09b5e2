import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createRandom } from "../../simulator/belt/random.ts";
import { figure } from "../figures.ts";
import { alarmShare, waybillMakers } from "../guard/waybill-makers.ts";

const numberCount = 1_000_000;

const document = readFileSync(new URL("../../docs/privacy.md", import.meta.url), "utf8");
const [, sentence = ""] = /of a million of each carrier's shape (.*?)\./.exec(document) ?? [];
/** So many of a million are, as docs/privacy.md says, by carrier: of others none. */
const stated = new Map(
  [...sentence.matchAll(/(\d+) (?:numbers )?(?:of )?([A-Z]\w*?)s?(?=,| and|$)/g)].map(([, count, carrier]) => [
    carrier!.toLowerCase(),
    Number(count),
  ]),
);

describe("R06 of a million numbers of a carrier's shape", () => {
  it.each(Object.entries(waybillMakers))(
    "R06 of %s fewer than one in a thousand is taken for somebody's",
    (name, make) => {
      const count = Math.round(alarmShare(make, createRandom(20_261_129), numberCount) * numberCount);
      figure("R06", name, `${count} of a million`);
      expect(count).toBeLessThan(numberCount / 1_000);
      expect(count, "what docs/privacy.md says").toBe(stated.get(name) ?? 0);
    },
  );

  it("R06 docs/privacy.md says so of carriers that there are", () => {
    expect([...stated.keys()].sort()).toEqual(["ems", "sscc", "sto", "yunda"]);
    expect(sentence).toContain("none of eleven others");
    expect(Object.keys(waybillMakers)).toHaveLength(stated.size + 11);
  });
});
