import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { limits } from "../../src/model/limits.ts";
import { readOrderText } from "../../src/orders/order.ts";
import { anOrder } from "../fakes/centre.ts";

const token = "t1.J8sQ0aZk.xYp0Jx4m2n8rT1vQ5kWb9A";
const number = "SF1385628716739";

const said = (value: unknown): string => {
  const read = readOrderText(typeof value === "string" ? value : JSON.stringify(value));
  return read.ok ? "" : read.sentence;
};

describe("R33 the text of an order", () => {
  it("names one gateway, a number, a ticket, and tokens and numbers as they stand in events", () => {
    const order = anOrder(7, [token, number], { notAfter: "2027-12-31T01:00:00.5+08:00" });
    expect(readOrderText(JSON.stringify(order))).toEqual({
      ok: true,
      order: {
        ...order,
        erase: [
          { kind: "token", value: token },
          { kind: "code", value: number },
        ],
      },
    });
    expect(said(anOrder(limits.orderNumberMax, [token]))).toBe("");
    expect(said(anOrder(1, Array(1_000).fill(token)))).toBe("");
  });

  it("that is wrong is refused with the member and what is allowed, and nothing that stands in it", () => {
    const wrong: [value: unknown, sentence: RegExp][] = [
      [`{"erase":["${number}"`, /^it is no JSON \(it ends too early, at line 1, column 28\); allowed/],
      [`{\n"erase":${number}}`, /^it is no JSON \(line 2, column 9\); allowed/],
      [[token], /^it is no JSON object; allowed/],
      ["null", /^it is no JSON object; allowed/],
      [{ ...anOrder(7, [token]), [number]: 1 }, /^it has a member that no order has; allowed: site, gateway, order/],
      [`{"__proto__":{},${JSON.stringify(anOrder(7, [token])).slice(1)}`, /^it has a member that no order has/],
      [{ gateway: "line-3", order: 7, reason: "T", erase: [token] }, /^site is missing/],
      [anOrder(7, [token], { site: `${number}/` }), /^site is missing or of another form/],
      [anOrder(7, [token], { gateway: 3 }), /^gateway is missing or of another form/],
      ...[0, -1, 1.5, limits.orderNumberMax + 1, Number.MAX_SAFE_INTEGER, 2 ** 53, "7", null].map(
        (order): [unknown, RegExp] => [
          anOrder(7, [token], { order }),
          /^order is missing or of another form; allowed: a whole number from 1 to 1000000000000; the next one/,
        ],
      ),
      ...["2027-12-31", "tomorrow", "2027-13-01T00:00:00Z", 7, null, "2027-12-31T00:00:00"].map(
        (notAfter): [unknown, RegExp] => [
          anOrder(7, [token], { notAfter }),
          /^notAfter .*; allowed: a time, for example/,
        ],
      ),
      ...["", "of Anna Smith", number.slice(2), "139.1234.5678", 7, undefined].map((reason): [unknown, RegExp] => [
        anOrder(7, [token], { reason }),
        /^reason .*; allowed: the name of a ticket/,
      ]),
      ...[[], Array(1_001).fill(token), token, undefined].map((erase): [unknown, RegExp] => [
        anOrder(7, [], { erase }),
        /^erase .*; allowed: a list of 1 to 1000 tokens and numbers/,
      ]),
      ...["t1.short", "t9.x", "of Anna", "SF1", 13_912_345_678, null, [token]].map((stray): [unknown, RegExp] => [
        anOrder(7, [], { erase: [token, stray] }),
        /^erase: number 2 of the list is neither a token nor a number; allowed/,
      ]),
    ];
    for (const [value, sentence] of wrong) {
      expect(said(value)).toMatch(sentence);
      for (const secret of [token, number, number.slice(2), "Anna", "13912345678"])
        expect(said(value)).not.toContain(secret);
    }
  });

  it("with a member that no order has: its name is given apart, without digits, other scripts and much length", () => {
    const stray = (name: string): unknown => readOrderText(JSON.stringify({ ...anOrder(7, [token]), [name]: "Anna" }));
    const named = (name: string) => expect.objectContaining({ ok: false, stray: name });
    expect(stray("not_after")).toEqual(named("not_after"));
    expect(stray(number)).toEqual(named("SF*************"));
    expect(stray("of 张三")).toEqual(named("of***"));
    expect(stray("a".repeat(99))).toEqual(named(`${"a".repeat(24)}…`));
    expect(readOrderText("{")).not.toHaveProperty("stray");
  });

  it("of any shape is read or refused, and nothing is thrown", () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), fc.dictionary(fc.string(), fc.jsonValue()), (text, members) => {
        expect(typeof said(text)).toBe("string");
        expect(typeof said({ ...anOrder(7, [token]), ...members })).toBe("string");
      }),
    );
  });
});
