import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { createRandom } from "../../simulator/belt/random.ts";
import { encodeTag, sgtin96 } from "../../simulator/belt/tags.ts";
import { classify } from "../../src/guard/classify.ts";
import { isAmbiguousTag, isAmbiguousWaybill, isKoreanNumber } from "../../src/guard/personal.ts";
import { type CarrierName, carrierNames } from "../../src/guard/settings.ts";
import { decodeEpc } from "../../src/model/code/epc.ts";
import { alarmShare, leakShare, waybillMakers } from "./waybill-makers.ts";

const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");

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

const configured: ReadonlySet<CarrierName> = new Set(carrierNames);

/** So many in a hundred are not cleared where no scanner says what it reads, as README's limits say: of others none. */
const stated: ReadonlyMap<string, number> = new Map(
  [
    ...(/Without AIM identifiers (.*?) leave as tokens/.exec(readme)?.[1] ?? "").matchAll(/([\d.]+)[a-z ]*? of (\w+)/g),
  ].map(([, percent, carrier]) => [carrier!.toLowerCase(), Number(percent)]),
);

it("R06 the limits name carriers of which many numbers are not cleared without a symbology", () => {
  expect([...stated.keys()].sort()).toStrictEqual(["cainiao", "ems", "fedex", "sto", "yunda"]);
});

it.each(Object.entries(waybillMakers))(
  "R06 of %s without a symbology as many as the limits say are not cleared, and in dots those too that are 12 or 13 bare digits",
  (name, make) => {
    const random = createRandom(20_261_128);
    const wrong: string[] = [];
    let tokenCount = 0;
    for (let n = 0; n < 100_000; n += 1) {
      const text = make(random);
      const code = Buffer.from(text, "latin1");
      const isToken = classify(code, "barcode", undefined, configured).code === undefined;
      if (isToken) tokenCount += 1;
      const isTokenInDots = classify(code, "barcode", "]Q1", configured).code === undefined;
      if (isTokenInDots !== (isToken || /^\d{12,13}$/.test(text))) wrong.push(text);
    }
    expect(wrong).toEqual([]);
    const percent = stated.get(name);
    if (percent !== undefined) expect(tokenCount / 1_000).toBeGreaterThan(percent - 0.4);
    expect(tokenCount / 1_000).toBeLessThan(percent === undefined ? 0.1 : percent + 0.4);
  },
);

it.each(Object.entries(waybillMakers))(
  "R06 of %s those that are cleared show nothing of a person, without a symbology and in dots too",
  (_, make) => {
    for (const symbology of [undefined, "]Q1"])
      expect(leakShare(make, createRandom(20_261_129), 10_000, symbology)).toBeLessThan(0.001);
  },
);

it("R06 of tags fewer than one in a thousand is taken for somebody's text or number", () => {
  const random = createRandom(20_261_128);
  let alarmCount = 0;
  for (let n = 0; n < 50_000; n += 1) if (isAmbiguousTag(encodeTag(random))) alarmCount += 1;
  expect(alarmCount / 50_000).toBeLessThan(0.001);
});

it("R06 of tags with random serials one in forty has the digits of a mobile number there, and of those in sequence none: all are cleared", () => {
  const random = createRandom(20_261_128);
  const tagOf = (serial: bigint): string => sgtin96(614_141n, 812_345n, serial);
  const serialIn = (hex: string): string => decodeEpc(hex)!.uri.split(".").at(-1)!;
  const random38 = (): bigint =>
    BigInt(Math.floor(random.fraction() * 2 ** 19)) * 2n ** 19n + BigInt(random.between(0, 2 ** 19 - 1));
  const drawn = Array.from({ length: 20_000 }, () => tagOf(random38()));
  const likeMobiles = drawn.filter((hex) => /^1[3-9]\d{9}$/.test(serialIn(hex)));
  expect(likeMobiles.length / drawn.length).toBeGreaterThan(0.02);
  expect(likeMobiles.length / drawn.length).toBeLessThan(0.03);
  const clearedOf = (hex: string): unknown => classify(Buffer.from(hex), "rfid", undefined, new Set()).code;
  expect(likeMobiles.filter((hex) => clearedOf(hex) === undefined)).toEqual([]);
  for (const serial of [1n, 1_000_000n, 9_999_999_999n]) expect(serialIn(tagOf(serial))).not.toMatch(/^1[3-9]\d{9}$/);
});
