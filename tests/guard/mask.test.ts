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
    ["email", "zhang.wei@example.cn", "***", "***"],
    ["address", "张海南，北京市朝阳区建国路88号", "北京市朝阳区***", "北京市朝阳区建国路***"],
    ["address", "李海南 广州市天河区体育西路1号", "***", "***"],
    ["address", "广东省东莞市长安镇张伟家乌沙社区", "广东省东莞市***", "广东省东莞市***"],
    ["address", "浙江省义乌市福田街道金城小区3幢", "浙江省义乌市***", "浙江省义乌市福田街***"],
    ["address", "四川省成都市李雷家大院区5号", "四川省成都市***", "四川省成都市***"],
    ["address", "北京张伟收朝阳区建国路1号", "北京***", "北京***"],
    ["address", "上海市浦东新区张江路5号", "上海市浦东新区***", "上海市浦东新区张江路***"],
    ["address", "湖南省新晃侗族自治县兴隆路3号", "湖南省新晃侗族自治县***", "湖南省新晃侗族自治县兴隆路***"],
    ["address", "上海市李小龙收，浦东新区张江路5号", "上海市***", "上海市***"],
    ["address", "广东 Zhang Wei 天河区", "广东***", "广东***"],
    ["address", "北京①③⑧①②③④⑤⑥⑦⑧朝阳区", "北京***", "北京***"],
    ["address", "北京一三八零零一三八零零零朝阳区", "北京***", "北京***"],
    ["address", "河南省郑州市二七区大学路1号", "河南省郑州市二七区***", "河南省郑州市二七区大学路***"],
    ["address", "北京市一三八区建国路1号", "***", "***"],
    ["address", "北京市〇零一区建国路1号", "***", "***"],
    ["address", "北京市二三四区建国路1号", "***", "***"],
    ["address", "北京市五六七区建国路1号", "***", "***"],
    ["address", "北京市八九一区建国路1号", "***", "***"],
    ["address", "浙江省杭州市西湖区八六零二路1号", "浙江省杭州市西湖区***", "***"],
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
