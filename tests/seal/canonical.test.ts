import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Json } from "../../src/model/event.ts";
import { canonicalize, parseStrict } from "../../src/seal/canonical.ts";

function doubleOf(hex: string): number {
  return Buffer.from(hex, "hex").readDoubleBE(0);
}

describe("the canonical form", () => {
  test.each([
    ["0000000000000000", "0"],
    ["8000000000000000", "0"],
    ["0000000000000001", "5e-324"],
    ["8000000000000001", "-5e-324"],
    ["7fefffffffffffff", "1.7976931348623157e+308"],
    ["4340000000000000", "9007199254740992"],
    ["c340000000000000", "-9007199254740992"],
    ["4430000000000000", "295147905179352830000"],
    ["44b52d02c7e14af5", "9.999999999999997e+22"],
    ["44b52d02c7e14af6", "1e+23"],
    ["44b52d02c7e14af7", "1.0000000000000001e+23"],
    ["444b1ae4d6e2ef4e", "999999999999999700000"],
    ["444b1ae4d6e2ef50", "1e+21"],
    ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
    ["3eb0c6f7a0b5ed8d", "0.000001"],
    ["41b3de4355555553", "333333333.3333332"],
    ["41b3de4355555556", "333333333.3333334"],
    ["becbf647612f3696", "-0.0000033333333333333333"],
    ["43143ff3c1cb0959", "1424953923781206.2"],
  ])("writes the double %s as %s (RFC 8785 appendix B)", (hex, text) => {
    expect(canonicalize(doubleOf(hex))).toBe(text);
  });

  test("writes texts and literals as RFC 8785 §3.2.2 shows", () => {
    const value: Json = {
      numbers: [333333333.3333333, 1e30, 4.5, 2e-3, 1e-27],
      string: '\u20ac$\u000f\nA\'B"\\\\"/',
      literals: [null, true, false],
    };
    expect(canonicalize(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  test("sorts few members and many, in whatever order they come", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ unit: "binary-ascii" }), { maxLength: 80 }), (names) => {
        const value = Object.fromEntries(names.map((name) => [`${name}.`, 1]));
        const sorted = [...names].map((name) => `${name}.`).sort();
        expect(canonicalize(value)).toBe(`{${sorted.map((name) => `${JSON.stringify(name)}:1`).join(",")}}`);
      }),
    );
  });

  test("sorts members by UTF-16 code units (RFC 8785 §3.2.3)", () => {
    const value = { "\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\u{1f600}": 5, "\u0080": 6, "\u00f6": 7 };
    expect(Object.values(JSON.parse(canonicalize(value)) as object).sort()).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(canonicalize(value).match(/:(\d)/g)?.join("")).toBe(":2:4:6:7:1:5:3");
  });

  test.each([
    ["NaN", Number.NaN],
    ["infinity", Number.POSITIVE_INFINITY],
    ["a lone surrogate", "\ud800"],
    ["a lone surrogate in a name", { "\udc00": 1 }],
    ["undefined", undefined],
    ["a member that is undefined", { a: undefined }],
  ])("is refused to %s", (_, value) => {
    expect(() => canonicalize(value as Json)).toThrow();
  });

  test("is the same after it was parsed, for any JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalize(value as Json);
        expect(canonicalize(JSON.parse(text) as Json)).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe("strict parsing", () => {
  test.each([
    ['{"a":1,"a":2}', "duplicate-member"],
    ['{"a":1,"\\u0061":2}', "duplicate-member"],
    ['{"x":[{"b":{"a":1,"c":0,"a":2}}]}', "duplicate-member"],
    ['{"__proto__":1,"__proto__":2}', "duplicate-member"],
    ['{"a":9007199254740992}', "number"],
    ['{"a":1e400}', "number"],
    ["-----END PRIVATE KEY-----", "json"],
    ['{"a":"\\ud800"}', "surrogate"],
    ['{"\\udfff":1}', "surrogate"],
    ['{"a":1', "json"],
    ["", "json"],
    ["nul", "json"],
    ['{"a":01}', "json"],
    ['"open', "json"],
    [`${"[".repeat(100_000)}`, "too-deep"],
    [`${'{"a":'.repeat(65)}1${"}".repeat(65)}`, "too-deep"],
    [`"${"a".repeat(1_100_000)}"`, "too-long"],
  ])("refuses %.40s", (text, refused) => {
    expect(parseStrict(text)).toEqual({ refused });
  });

  test("takes a name twice in different objects, and the same text as a value", () => {
    const text = '{"a":{"a":["a","a",{"a":"a"}]},"b":{"a":"a"}}';
    expect(parseStrict(text)).toEqual({ value: JSON.parse(text) });
  });

  test("treats __proto__ as an ordinary member", () => {
    const parsed = parseStrict('{"__proto__":{"polluted":true}}');
    expect("value" in parsed && canonicalize(parsed.value)).toBe('{"__proto__":{"polluted":true}}');
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test("takes what JSON.parse takes, apart from what it names, and never throws", () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string(), fc.string({ unit: "binary" })), (text) => {
        const parsed = parseStrict(text);
        if ("value" in parsed) expect(parsed.value).toEqual(JSON.parse(text));
        else if (parsed.refused === "json") expect(() => JSON.parse(text)).toThrow();
      }),
      { numRuns: 2_000 },
    );
  });
});
