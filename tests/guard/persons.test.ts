import { describe, expect, it } from "vitest";
import { findPersonal } from "../../src/guard/detect/find.ts";
import { aFirstRead, aGuard, cleared, everything } from "./build.ts";

const namesIn = (value: string): string[] => {
  const { text, findings } = findPersonal(value);
  return findings.filter(({ kind }) => kind === "name").map(({ start, end }) => text.slice(start, end));
};

describe("R06 a name in Chinese", () => {
  it.each([
    ["收件人：张伟 13812345678", ["张伟"]],
    ["收件人 阿依古丽", ["阿依古丽"]],
    ["備註 姓名:歐陽修遠", ["歐陽修遠"]],
    ["请打13812345678 张先生", ["张先生"]],
    ["陈静 13922063851", ["陈静"]],
    ["SF1385628716739/张伟/13800138000", ["张伟"]],
    ["司马南^0571-28059570", ["司马南"]],
    ["刘洋,13895571197;王芳：+86 138 0013 8000", ["刘洋", "王芳"]],
    ["13812345678，李雷", ["李雷"]],
  ])("%s: is found in text of any kind", (value, names) => {
    expect(namesIn(value).sort()).toStrictEqual([...names].sort());
  });

  it.each([
    "收件人电话：13812345678",
    "联系人手机 13812345678",
    "联系人信息",
    "客服 400-820-8820",
    "温州 0577-88886666",
    "江苏省 13812345678",
    "何家村店 13812345678",
    "13812345678 金额到付",
    "13812345678 江苏南京",
    "13812345678 万达广场",
    "石家庄 13812345678",
    "请联系 13812345678 谢谢",
    "13812345678 周一送",
    "13812345678 张伟他们家的快递",
    "张伟",
  ])("%s: is not found where there is none, or where nothing tells of it", (value) => {
    expect(namesIn(value)).toStrictEqual([]);
  });

  it("has a mask and a token of its own, the telephone beside it another", () => {
    const code = '{"waybillNo":"SF1385628716739","remark":"收件人：张伟 13812345678"}';
    const { data } = cleared(aFirstRead({ code, symbology: "]Q1" }), aGuard({ ...everything, core: "mask" }));
    expect(data.masked).toStrictEqual([
      { kind: "phone", text: "138***78" },
      { kind: "name", text: "张***" },
    ]);
    const named = "收件人：阿强 13812345678 江苏南京";
    const shown = cleared(aFirstRead({ code: named, symbology: "]Q1" }), aGuard({ ...everything, core: "mask" }));
    expect(shown.data.masked).toContainEqual({ kind: "name", text: "阿***" });
  });

  it("beside the number of a parcel hides none", () => {
    const code = '{"waybillNo":"73610555582883 收件人：张伟"}';
    expect(cleared(aFirstRead({ code, symbology: "]Q1" }), aGuard(everything)).data.code).toBe("73610555582883");
  });
});
