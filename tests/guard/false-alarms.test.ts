import { expect, it } from "vitest";
import { createRandom } from "../../simulator/belt/random.ts";
import { alarmShare, waybillMakers } from "./waybill-makers.ts";

it.each(Object.entries(waybillMakers))(
  "R06 of %s fewer than one number in a thousand is taken for somebody's",
  (_, make) => {
    expect(alarmShare(make, createRandom(20_261_128), 20_000)).toBeLessThan(0.001);
  },
);
