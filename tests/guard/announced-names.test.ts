import { describe, expect, it } from "vitest";
import { readLabels } from "../../src/guard/label/read-label.ts";
import { aFirstRead, aGuard, cleared } from "./build.ts";

const fieldsOf = (text: string): string[] =>
  readLabels(Buffer.from(text), "]Q1")[0]!.fields.map(({ kind, value }) => `${kind} ${value}`);

describe("R06 a name with something beside it", () => {
  it.each([
    ["收件人李四13712349999", "李四 13712349999"],
    ["收件人李四 13712349999", "李四 13712349999"],
    ["姓名欧阳小明+8613712349999", "欧阳小明 +8613712349999"],
    ["浙江省 收货人张伟(0571)28059599", "张伟 (0571)28059599"],
    ["李女士收", "李女士"],
    ["李女士收 13712349999", "李女士 13712349999"],
    ["张先生 13712349999", "张先生 13712349999"],
    ["张先生13712349999", "张先生 13712349999"],
    ["李建国先生亲启", "李建国先生"],
    ["Attn Zhang Wei", "Zhang Wei"],
    ["ATTN. ZHANG WEI", "ZHANG WEI"],
    ["Ship to Zhang Wei", "Zhang Wei"],
    ["parcel 7, Ship To Zhang Wei 12 Nowhere Street", "Zhang Wei"],
    ["Mr. Zhang Wei", "Zhang Wei"],
    ["Deliver by hand Mrs O'Neill-Smith please", "O'Neill-Smith"],
  ])("%s: is found behind its word", (text, name) => {
    expect(fieldsOf(text)).toContain(`name ${name}`);
  });

  it.each(["收件人电话13712349999", "收件人电话 13712349999"])("%s: is none, but a telephone", (text) => {
    expect(fieldsOf(text)).toStrictEqual(["phone 13712349999"]);
  });

  it.each([
    "Ship to Shanghai",
    "ship to the hub",
    "Attention Fragile",
    "1600 Elm Dr Springfield",
    "Gulfport MS 39501",
    "Jackson MS USA",
    "MR400 Gateway",
    "新款女士 上衣",
    "已签收 3件",
    "代收 12",
  ])("%s: holds none", (text) => {
    expect(fieldsOf(text).filter((field) => field.startsWith("name"))).toStrictEqual([]);
  });

  it("hides no number of a parcel", () => {
    const text = "收件人李四13712349999 运单号：SF1385628716739";
    expect(cleared(aFirstRead({ code: text, symbology: "]Q1" }), aGuard()).data.code).toBe("SF1385628716739");
  });
});
