import { describe, expect, it } from "vitest";
import { createGuard, createTokenKeys, tokensOfNumber } from "../../src/guard/index.ts";
import { aFirstRead, cleared, everything, noon } from "./build.ts";

const symbology = "]Q1";

describe("R33 the tokens of a number", () => {
  it("R33 give a telephone with its extension one token, whatever stands between them, and the telephone alone another", () => {
    const keys = createTokenKeys(() => noon);
    const guard = createGuard({ settings: { ...everything, core: "token" }, tokens: keys });
    const phonesOf = (code: string): string[] => {
      const { tokens } = cleared(aFirstRead({ code, symbology }), guard).data;
      return (tokens as { kind: string; token: string }[]).flatMap(({ kind, token }) =>
        kind === "phone" ? token : [],
      );
    };
    const signs = ["转", " 转 ", "转接", "轉", "分机", "转：", "-", ",", "，", "#", "*", "x", " ext. ", " ", ""];
    const texts = signs.flatMap((sign) => {
      const number = `13812345678${sign}1234`;
      return [
        number,
        `张伟 ${number}，杭州`,
        `收件人电话：${number}`,
        JSON.stringify({ tel: number }),
        `tel:+86${number}`,
      ];
    });
    const [want] = phonesOf("tel:138123456781234");
    expect(texts.filter((text) => phonesOf(text).join() !== want)).toEqual([]);
    const given = ["", "转", " 转 ", " 分机：", " ext. ", "-", " – ", " ", "\u3000", ",", "，", "#", "＃", "*"];
    for (const number of [...given.map((sign) => `13812345678${sign}1234`), "+8613812345678 转 １２３４"])
      expect([number, ...tokensOfNumber(number, noon, keys)]).toContain(want);
    expect(tokensOfNumber("13812345678", noon, keys)).not.toContain(want);
    // A list, and the number of a house, are no extension.
    const [bare] = phonesOf("tel:13812345678");
    for (const text of [
      "13812345678;1234",
      "13812345678,310000",
      "13812345678,1234 West Lake Road",
      "13812345678,1234号",
    ])
      expect([text, ...phonesOf(text)]).toEqual([text, bare]);
  });

  it("R33 are those of a telephone abroad too, with a trunk zero in brackets, in whatever it stands", () => {
    const keys = createTokenKeys(() => noon);
    const guard = createGuard({ settings: { ...everything, core: "token" }, tokens: keys });
    for (const code of ["tel:+49 (0)171 2345678", "Hans +49 (0)171 2345678", "tel:+49 (0)171 2345678 Berlin"]) {
      const { tokens } = cleared(aFirstRead({ code, symbology }), guard).data;
      const found = (tokens as { token: string }[]).map(({ token }) => token);
      expect([code, tokensOfNumber("+491712345678", noon, keys).some((token) => found.includes(token))]).toEqual([
        code,
        true,
      ]);
    }
  });

  it("R33 find a number in small letters and in capitals, whichever was given", () => {
    const keys = createTokenKeys(() => noon);
    for (const [given, read] of [
      ["sf1385628716739", "SF1385628716739"],
      ["SF1385628716739", "sf1385628716739"],
    ] as const)
      expect(tokensOfNumber(given, noon, keys)).toContain(keys.token("waybill", Buffer.from(read), noon));
  });
});
