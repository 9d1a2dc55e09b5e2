import { expect, it } from "vitest";
import { createRandom } from "../../simulator/belt/random.ts";
import { encodeTag } from "../../simulator/belt/tags.ts";
import { isAmbiguousTag, isAmbiguousWaybill, isKoreanNumber } from "../../src/guard/personal.ts";
import { alarmShare, waybillMakers } from "./waybill-makers.ts";

it.each(Object.entries(waybillMakers))(
  "R06 of %s fewer than one number in a thousand is taken for somebody's",
  (_, make) => {
    expect(alarmShare(make, createRandom(20_261_128), 20_000)).toBeLessThan(0.001);
  },
);

it.each(Object.entries(waybillMakers))(
  "R06 of %s fewer than one in a thousand looks like a number of Korea, or like a telephone behind AI 420, without a symbology too",
  (_, make) => {
    const random = createRandom(20_261_128);
    let alarmCount = 0;
    for (let n = 0; n < 100_000; n += 1) {
      const code = make(random);
      if (isKoreanNumber(code) || (code.startsWith("420") && isAmbiguousWaybill(code, undefined))) alarmCount += 1;
    }
    expect(alarmCount / 100_000).toBeLessThan(0.001);
  },
);

it("R06 of tags fewer than one in a thousand is taken for somebody's text or number", () => {
  const random = createRandom(20_261_128);
  let alarmCount = 0;
  for (let n = 0; n < 50_000; n += 1) if (isAmbiguousTag(encodeTag(random))) alarmCount += 1;
  expect(alarmCount / 50_000).toBeLessThan(0.001);
});
