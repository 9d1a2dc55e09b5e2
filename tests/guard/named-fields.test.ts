import { describe, expect, it } from "vitest";
import { createGuard, createTokenKeys, tokensOfNumber } from "../../src/guard/index.ts";
import type { Field } from "../../src/guard/label/field.ts";
import { maskValue } from "../../src/guard/mask.ts";
import type { GuardSettings } from "../../src/guard/settings.ts";
import type { Json } from "../../src/model/event.ts";
import { aFirstRead, cleared, everything, noon } from "./build.ts";

const keys = createTokenKeys(() => noon);

function dataOf(core: GuardSettings["core"], code: string) {
  let sealed: readonly Field[] = [];
  const seal = (fields: readonly Field[]): Json => {
    sealed = fields;
    return {};
  };
  const sealing = { seal, isReady: () => true, key: () => undefined, close: () => undefined };
  const guard = createGuard({ settings: { ...everything, core }, tokens: keys, sealing });
  const { data } = cleared(aFirstRead({ code, symbology: "]Q1" }), guard);
  return { masked: data.masked, tokens: data.tokens, sealedFields: sealed };
}

/** What stands behind a word for a telephone, an identity number, a card or a mail address, with something beside it. */
const lines = [
  ["李建国 手机 13712349999 江苏省南京市鼓楼区中山路18号", "13712349999"],
  ["电话：13712349999 江苏省南京市鼓楼区中山路18号", "13712349999"],
  ["收货人 李建国 联系电话 13712349999 18栋602", "13712349999"],
  ["手机 13712349999 110101199003074477", "13712349999"],
  ["手机 13712349999 110101199003074477", "110101199003074477"],
  ["电话：13712349999 卡6222021234567890128", "6222021234567890128"],
  ["手机：13712349999 微信abc99", "13712349999"],
  ["电话:13812345699 13712349999", "13712349999"],
  ["身份证:110101199003074477 李四", "110101199003074477"],
  ["Tel: 13712349999 SF1385628716713", "13712349999"],
  [`{"phone":"13712349999 李建国 2栋","x":1}`, "13712349999"],
] as const;

describe("what stands beside a number in its field", () => {
  it.each(lines)("%s: is no part of its mask", (line) => {
    const masked = dataOf("mask", line).masked as { kind: string; text: string }[];
    const phones = masked.filter(({ kind }) => kind === "phone").map(({ text }) => text);
    for (const text of phones) expect(["137***99", "138***99"]).toContain(text);
    for (const { kind, text } of masked) if (kind === "identity" || kind === "card") expect(text).toBe("***");
    expect(masked.length).toBeGreaterThan(0);
  });

  it.each(lines)("%s: is no part of its token, so that who erases %s finds it", (line, number) => {
    const tokens = (dataOf("token", line).tokens as { token: string }[]).map(({ token }) => token);
    expect(tokensOfNumber(number, noon, keys).some((token) => tokens.includes(token))).toBe(true);
  });

  it.each(lines)("%s: is sealed with it, each word", (line, number) => {
    const { sealedFields } = dataOf("seal", line);
    expect(sealedFields.map(({ value }) => value)).toContain(number);
    const all = sealedFields.map(({ value }) => value).join(" ");
    for (const word of ["李建国", "18号", "微信abc99", "李四", "SF1385628716713", "2栋"])
      if (line.includes(word)) expect(all).toContain(word);
  });

  it("is part of it where it is digits and signs alone: nobody can tell where such a number ends", () => {
    expect(dataOf("seal", "tel:+49 171 2345678 90").sealedFields).toStrictEqual([
      { kind: "phone", value: "+49 171 2345678 90" },
    ]);
  });
});

it.each(["13712349999 江苏省南京市鼓楼区中山路18号", "0171 2345678 Berlin 18", "13712349995 13812345699"])(
  "nothing of %s is shown as the end of a telephone",
  (value) => {
    expect(maskValue("phone", value, "documents")).toBe("***");
    expect(maskValue("phone", value, "gbt41833")).toBe("***");
  },
);

it.each(["13812345678转1234", "0571-28059570 ext. 12", "+86 138-1234-5678", "13812345678分机12"])(
  "of %s the ends are shown, as of each telephone",
  (value) => expect(maskValue("phone", value, "gbt41833")).toMatch(/^\d{3}\*\*\*\d\d$/),
);
