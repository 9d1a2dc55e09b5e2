import { describe, expect, it } from "vitest";
import { createRandom, type Random } from "../../simulator/belt/random.ts";
import { classify } from "../../src/guard/classify.ts";
import { readYtoCode } from "../../src/guard/label/sorting-code.ts";
import { identityCheckDigit } from "../../src/model/code/check-digit.ts";

const mn = "805321013240983139";
const ytoCode = (digits: string): Record<string, string> => {
  const [, a, b, c, tsc, pcn, rbc, sbc] = /^(\d{3})(\d{3})(\d\d)(\d{3})?(\d{6})?(\d{6})?(\d{6})?/.exec(digits) ?? [];
  const all = { mn, ssc: `${a}-${b}-${c}`, tsc, pcn, rbc, sbc };
  return Object.fromEntries(Object.entries(all).filter((one): one is [string, string] => one[1] !== undefined));
};
const routingOf = (digits: string) =>
  classify(Buffer.from(JSON.stringify(ytoCode(digits))), "barcode", "]Q1", new Set(["yto"])).label?.routing;

/** A resident identity number whose check character is a digit. */
function identity(random: Random): string {
  const body = `330106198503${random.pick(["12", "07"])}${random.digits(3)}`;
  const check = identityCheckDigit(body)!;
  return check === "X" ? identity(random) : body + check;
}

describe("R06 the routing of YTO's code", () => {
  it("R06 is none where its digits together hold an identity number", () => {
    const random = createRandom(20_261_128);
    for (let at = 0; at <= 11; at += 1) {
      const number = identity(random);
      expect([at, routingOf(random.digits(at) + number + random.digits(11 - at))]).toEqual([at, []]);
    }
    // Without its check digit only if it is all there is.
    expect(routingOf("33010619850312123")).toEqual([]);
  });

  it("R06 is what it was on ordinary labels", () => {
    expect(routingOf("37820003216573902573826791068")).toEqual(["378-200-03", "216", "573902", "573826"]);
    expect(routingOf("30000102001310000")).toEqual(["300-001-02", "001", "310000"]);
    expect(routingOf("33010619850312124")).toEqual([]);
    expect(routingOf("33010619851312124")).toEqual(["330-106-19", "851", "312124"]);
  });

  it("R06 is taken for such a number once in a thousand codes at most", () => {
    const random = createRandom(20_261_128);
    for (const length of [29, 17]) {
      let alarmCount = 0;
      for (let n = 0; n < 100_000; n += 1) {
        const label = readYtoCode(Object.entries(ytoCode(random.digits(length))))!;
        if (!label.fields.some(({ kind }) => kind === "routing")) alarmCount += 1;
      }
      expect(alarmCount / 100_000).toBeLessThan(0.001);
    }
  });
});
