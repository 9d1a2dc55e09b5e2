import { describe, expect, it } from "vitest";
import { maskValue } from "../../src/guard/mask.ts";

describe("R10 a mask", () => {
  it.each([
    ["phone", "13812345678", "138***78", "138***5678"],
    ["phone", "+86 138-1234-5678", "861***78", "861***5678"],
    ["phone", "0571-28059570", "057***70", "057***9570"],
    ["phone", "28059570", "***", "***"],
    ["phone", "110", "***", "***"],
    ["name", "张伟", "张***", "张***"],
    ["name", "欧阳修远", "欧***", "欧***"],
    ["name", "John Smith", "J***", "J***"],
    ["name", "张", "***", "***"],
    ["name", "13812345678", "***", "***"],
    ["address", "浙江省杭州市西湖区文三路90号3幢502室", "浙江省杭州市西湖区***", "浙江省杭州市西湖区文三路***"],
    ["address", "张伟 浙江省杭州市西湖区文三路90号", "浙江省杭州市西湖区***", "浙江省杭州市西湖区文三路***"],
    ["address", "文三路90号3幢502室", "***", "***"],
    ["address", "742 Evergreen Terrace", "***", "***"],
    ["email", "zhang.wei@example.cn", "***@example.cn", "***@example.cn"],
    ["email", "@", "***", "***"],
    ["identity", "11010519491231002X", "***", "***"],
    ["card", "4111111111111111", "***", "***"],
    ["free", "anything", "***", "***"],
    ["waybill", "SF1385628716739", "SF***6739", "SF***6739"],
    ["waybill", "SF13856", "***", "***"],
  ] as const)("of %s %s is %s, or %s by the documents", (kind, value, strict, documents) => {
    expect(maskValue(kind, value, "gbt41833")).toBe(strict);
    expect(maskValue(kind, value, "documents")).toBe(documents);
  });

  it("hides six digits of a telephone or more by default, and four by the documents", () => {
    const hidden = (masked: string): number => 11 - masked.replace(/\D/g, "").length;
    expect(hidden(maskValue("phone", "13812345678", "gbt41833"))).toBeGreaterThanOrEqual(6);
    expect(hidden(maskValue("phone", "13812345678", "documents"))).toBe(4);
  });
});
