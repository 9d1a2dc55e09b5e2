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
  ["手机 13712349999 18", "13712349999"],
  ["手机 13712349999 18-602", "13712349999"],
  ["手机：13712349999/602", "13712349999"],
  ["手机 13712349999 (18)", "13712349999"],
  ["手机 13712349999 310000", "13712349999"],
  ["手机 13712349999 1802室", "13712349999"],
  ["手机 13712349999 1802-1", "13712349999"],
  ["手机 13712349999-1802室", "13712349999"],
  ["手机 13712349999转1802 室", "13712349999"],
  ["电话 13712349999 1234 West Lake Road", "13712349999"],
  ["电话 137-1234-9999 18", "13712349999"],
  ["tel:+8613712349999 18", "13712349999"],
  ["张三 +86 137 1234 9999 18栋602", "13712349999"],
  ["电话 +86 13712349999 18-602", "13712349999"],
  [`{"phone":"18-602 13712349999"}`, "13712349999"],
  [`{"phone":"１３７１２３４９９９９ 18"}`, "13712349999"],
  [`{"phone":"0571-28059599 18"}`, "0571-28059599"],
  [`{"phone":"0571-28059599-18-602"}`, "0571-28059599"],
  [`{"phone":"0571 28059599 1802室"}`, "0571-28059599"],
  [`{"phone":"+1 212 555 0199 18"}`, "+12125550199"],
  ["tel: 152-4350-0199，137 1234 9999", "13712349999"],
  ["tel: +49 152 4350099，137 1234 9999", "13712349999"],
  [`{"phone":"137 1234 9999，768"}`, "13712349999"],
  ["张三 (+86)13712349999 / 5488 West Lake Road", "13712349999"],
  ["张三 7-1-717 137 1234 9999", "13712349999"],
  [`{"phone":"25栋865/13712349999"}`, "13712349999"],
  ["身份证:110101199003074477 602", "110101199003074477"],
  ["卡号:6222021234567890128 0925", "6222021234567890128"],
  [`{"phone":"110101199003074477 12"}`, "110101199003074477"],
  [`{"phone":"6222021234567890128"}`, "6222021234567890128"],
] as const;

describe("what stands beside a number in its field", () => {
  it.each(lines)("%s: is no part of its mask", (line) => {
    const masked = dataOf("mask", line).masked as { kind: string; text: string }[];
    const phones = masked.filter(({ kind }) => kind === "phone").map(({ text }) => text);
    for (const text of phones) expect(text).toMatch(/^(?:137|138|152|491|861|057|121)\*\*\*99$/);
    for (const { kind, text } of masked) if (kind === "identity" || kind === "card") expect(text).toBe("***");
    expect(masked.length).toBeGreaterThan(0);
  });

  it.each(lines)("%s: is no part of its token, so that who erases %s finds it", (line, number) => {
    const tokens = (dataOf("token", line).tokens as { token: string }[]).map(({ token }) => token);
    expect(tokensOfNumber(number, noon, keys).some((token) => tokens.includes(token))).toBe(true);
  });

  it.each(lines)("%s: is sealed with it, each word", (line, number) => {
    const { sealedFields } = dataOf("seal", line);
    const sealedDigits = sealedFields.map(({ value }) => value.normalize("NFKC").replace(/\D/g, ""));
    expect(sealedDigits.some((digits) => digits.endsWith(number.replace(/\D/g, "")))).toBe(true);
    const all = sealedFields.map(({ value }) => value).join(" ");
    for (const word of ["李建国", "18号", "微信abc99", "李四", "SF1385628716713", "2栋", "602", "18", "1802"])
      if (line.includes(word)) expect(all).toContain(word);
  });

  it.each(["13712349999-1234", "13712349999 1234", "13712349999 1234 李建国", "+86 137-1234-9999-1234 李建国"])(
    "%s: is an extension of four digits where no house begins with them",
    (line) => {
      const tokens = (dataOf("token", `电话 ${line}`).tokens as { token: string }[]).map(({ token }) => token);
      expect(tokensOfNumber("13712349999-1234", noon, keys).some((token) => tokens.includes(token))).toBe(true);
    },
  );

  it("is part of it where a telephone has as many digits as its country likes: nobody can tell where it ends", () => {
    expect(dataOf("seal", "tel:+49 171 2345678 90").sealedFields).toStrictEqual([
      { kind: "phone", value: "+49 171 2345678 90" },
    ]);
  });
});

it.each([
  "13712349999 江苏省南京市鼓楼区中山路18号",
  "0171 2345678 Berlin 18",
  "13712349995 13812345699",
  "28059570 18-602",
  "28059570/602",
])("nothing of %s is shown as the end of a telephone", (value) => {
  expect(maskValue("phone", value, "documents")).toBe("***");
  expect(maskValue("phone", value, "gbt41833")).toBe("***");
});

it.each([
  "13812345678转1234",
  "0571-28059570 ext. 12",
  "+86 138-1234-5678",
  "13812345678分机12",
  "13812345678 1234",
  "28059570-602",
])("of %s the ends are shown, as of each telephone", (value) =>
  expect(maskValue("phone", value, "gbt41833")).toMatch(/^\d{3}\*\*\*\d\d$/),
);

describe("what is called an identity number, a card, an account, a birth or a password", () => {
  const many = JSON.stringify(Object.fromEntries(Array.from({ length: 80 }, (_, n) => [`k${n}`, `v${n}`])));
  it.each([
    ["身份证 130503670401001", "130503670401001"],
    ["身份证:130503670401001 张伟", "130503670401001"],
    ["军官证:137123499991234", "137123499991234"],
    ["身份证:110101199003074477 13712349999", "13712349999"],
    ['{"passwd":"13712349999"}', "13712349999"],
    ['{"passwd":"１３７１２３４９９９９"}', "13712349999"],
    ['{"memberId":"13712349999","x":1}', "13712349999"],
    ['{"birthday":"13712349999"}', "13712349999"],
    ['{"cardNo":"137 1234 9999"}', "13712349999"],
    ["https://a.cn/?pwd=13712349999", "13712349999"],
    ["WIFI:S:a;P:13712349999;;", "13712349999"],
    [`{"passwd":"13712349999","more":${many}}`, "13712349999"],
    [`{"more":${many},"passwd":"13712349999"}`, "13712349999"],
  ])("R18 %s shows no digit of itself as a telephone, and is found by it", (line, number) => {
    const masked = dataOf("mask", line).masked as { text: string }[];
    expect(masked.length).toBeGreaterThan(0);
    expect(masked.filter(({ text }) => /\p{Nd}/u.test(text))).toStrictEqual([]);
    const tokens = (dataOf("token", line).tokens as { token: string }[]).map(({ token }) => token);
    expect(tokensOfNumber(number, noon, keys).some((token) => tokens.includes(token))).toBe(true);
  });

  it("hides no telephone beside it", () => {
    expect(dataOf("mask", "身份证:110101199003074477 电话：13712349999").masked).toStrictEqual([
      { kind: "identity", text: "***" },
      { kind: "phone", text: "137***99" },
    ]);
  });
});

describe("R06 what stands behind the name of a return, a reference or another parcel, or below an order", () => {
  it.each([
    `{"return":"张伟 13712349999 南京市鼓楼区中山路18号"}`,
    `Return: 张伟 13712349999`,
    `{"ref":"13712349999"}`,
    `https://x.cn/?return=13712349999`,
    `{"children":["13712349999"]}`,
    `{"order":{"remark":"13712349999"}}`,
    `退件 13712349999`,
  ])("%s: a telephone is found there", (line) => {
    expect(dataOf("mask", line).masked).toContainEqual({ kind: "phone", text: "137***99" });
  });

  it("is sealed with the text that it stands in", () => {
    const { sealedFields } = dataOf("seal", `{"return":"Zhang Wei"}`);
    expect(sealedFields).toContainEqual({ kind: "free", value: "Zhang Wei" });
  });

  it("is a name where it is the last part of one", () => {
    expect(dataOf("mask", `{"receiver":{"first":"Wei","last":"Zhang"}}`).masked).toEqual([
      { kind: "name", text: "W***" },
      { kind: "name", text: "Z***" },
    ]);
  });
});

describe("R06 a document's number by the name of its member", () => {
  it.each([
    "passport_number",
    "passportNum",
    "passportId",
    "idCardNumber",
    "national_id_number",
    "driver_license",
    "driverLicenceNo",
    "通行证",
    "通行证号码",
    "港澳通行证",
    "驾驶证号",
  ])("%s", (name) => {
    expect(dataOf("mask", `{"${name}":"E12345678"}`).masked).toEqual([{ kind: "identity", text: "***" }]);
  });
});

describe("R06 a name with a blank before its colon, or in a tag", () => {
  it.each([
    "Name : Zhang Wei",
    "name = Zhang Wei",
    "<姓名>Zhang Wei</姓名>",
    "<receiver-name>Zhang Wei</receiver-name>",
  ])("%s: is found", (line) => expect(dataOf("mask", line).masked).toEqual([{ kind: "name", text: "Z***" }]));
});

describe("R06 a field with a name in traditional characters, or in Japanese", () => {
  it.each([
    ["聯絡人", "name"],
    ["發件人", "name"],
    ["買家", "name"],
    ["お届け先氏名", "name"],
    ["宛名", "name"],
    ["手機", "phone"],
    ["手機號碼", "phone"],
    ["聯絡電話", "phone"],
    ["收件人電話", "phone"],
    ["お電話番号", "phone"],
    ["お届け先住所", "address"],
    ["身分證字號", "identity"],
    ["電子郵件", "email"],
    ["メールアドレス", "email"],
  ])("%s: is a %s", (name, kind) => {
    const masked = dataOf("mask", `{"${name}":"abc def"}`).masked as { kind: string }[];
    expect(masked.map((one) => one.kind)).toEqual([kind]);
  });
});
