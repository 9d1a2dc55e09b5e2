import { describe, expect, it } from "vitest";
import { createRandom } from "../../simulator/belt/random.ts";
import { figure } from "../figures.ts";
import { alarmShare, waybillMakers } from "../guard/waybill-makers.ts";

const numberCount = 1_000_000;

describe("R06 of a million numbers of a carrier's shape", () => {
  it.each(Object.entries(waybillMakers))(
    "R06 of %s fewer than one in a thousand is taken for somebody's",
    (name, make) => {
      const share = alarmShare(make, createRandom(20_261_129), numberCount);
      figure("R06", name, `${Math.round(share * numberCount)} of a million`);
      expect(share).toBeLessThan(0.001);
    },
  );
});
