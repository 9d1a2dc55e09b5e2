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

  it("R33 are those of a mobile number with a trunk zero or without it", () => {
    const keys = createTokenKeys(() => noon);
    const guard = createGuard({ settings: { ...everything, core: "token" }, tokens: keys });
    const [want] = tokensOfNumber("13812345678", noon, keys).filter((token) =>
      tokensOfNumber("013812345678", noon, keys).includes(token),
    );
    expect(want).toBeDefined();
    for (const code of ["电话 013812345678 浙江省", "013812345678", "0138 1234 5678", "tel:013812345678"]) {
      const { tokens } = cleared(aFirstRead({ code, symbology }), guard).data;
      expect([code, ...(tokens as { token: string }[]).map(({ token }) => token)]).toEqual([code, want]);
    }
    const { tokens } = cleared(aFirstRead({ code: "013812345678转1234", symbology }), guard).data;
    const [extended] = tokens as { token: string }[];
    expect(tokensOfNumber("13812345678-1234", noon, keys)).toContain(extended?.token);
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

  const bearsTokenOf = (label: object | string, given: string): boolean => {
    const keys = createTokenKeys(() => noon);
    const guard = createGuard({ settings: { ...everything, core: "token" }, tokens: keys });
    const code = typeof label === "string" ? label : JSON.stringify(label);
    const { tokens = [] } = cleared(aFirstRead({ code, symbology }), guard).data;
    const known = tokensOfNumber(given, noon, keys);
    return (tokens as { token: string }[]).some(({ token }) => known.includes(token));
  };

  it.each([
    [{ email: "zhang88@qq.com" }, "Zhang88@QQ.com"],
    [{ email: "zhang-wei@qq.com" }, "zhang-wei@qq.com"],
    [{ birthday: "1985-03-12" }, "1985-03-12"],
    [{ birthday: "1985年3月12日" }, "1985-03-12"],
    [{ birthday: "1985/3/12" }, "19850312"],
    [{ pickupcode: "8-2-3345" }, "8-2-3345"],
    [{ wechat: "wx_38490877" }, "wx_38490877"],
    [{ name: "user_38490877" }, "user_38490877"],
    [{ address: "Hauptstr.12" }, "Hauptstr.12"],
  ])("R33 find it as whatever it stands on a label: %j as %s", (label, given) => {
    expect(bearsTokenOf(label, given)).toBe(true);
  });

  it.each([
    [{ 身份证: "110105.19491231.002X" }, "11010519491231002X"],
    ["110101.19900307.8515", "110101199003078515"],
    [{ card: "6222.0212.3456.7890.12" }, "622202123456789012"],
    [{ tel: "+86 (0)571 88991235" }, "0571-88991235"],
    [{ tel: "0571-88991235" }, "+86 571 8899 1235"],
    [{ tel: "+86 571 88991235" }, "057188991235"],
    [{ tel: "0 138 1234 5670" }, "13812345670"],
    [{ tel: "+86 400 123 4567" }, "400-123-4567"],
    [{ tel: "13812345670 分机号 1234" }, "13812345670-1234"],
    [{ tel: "13812345670分机号码：1234" }, "13812345670-1234"],
    [{ tel: "13812345670 extension 1234" }, "13812345670-1234"],
    [{ idNo: "E12345680（护照）" }, "E12345680"],
    [{ idNo: "护照 E12345680" }, "E12345680"],
    [{ idNo: "A123456(7)" }, "A1234567"],
    [{ qq: "QQ:123456789" }, "123456789"],
    [{ qq: "QQ号：123456789" }, "123456789"],
    [{ qq: "QQ123456789" }, "123456789"],
  ])("R33 are the same however it is written: %j is %s", (label, given) => {
    expect(bearsTokenOf(label, given)).toBe(true);
  });

  it.each([
    [{ email: "zhang-wei1@qq.com" }, "zhangwei1@qq.com"],
    [{ email: "zhang.wei1@qq.com" }, "zhangwei1@qq.com"],
    [{ tel: "+1 (212) 555-1234" }, "021-25551234"],
    [{ wechat: "wx_12345678" }, "12345678"],
    [{ idNo: "南字第1234567号" }, "北字第1234567号"],
    [{ birthday: "1985-03-12" }, "1985-12-03"],
  ])("R33 are others of what is another: %j is not %s", (label, given) => {
    expect(bearsTokenOf(label, given)).toBe(false);
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
