import { describe, expect, it } from "vitest";
import { findPersonal } from "../../src/guard/detect/find.ts";
import { leaksOf } from "../../src/guard/detect/leaks.ts";
import { Search } from "../../src/guard/detect/search.ts";
import { readLabels } from "../../src/guard/label/read-label.ts";

const found = (text: string): readonly string[] =>
  findPersonal(text).findings.map(({ kind, start, end }) => `${kind} ${findPersonal(text).text.slice(start, end)}`);

describe("R06 what is somebody's is found", () => {
  // First, for places are made for more words only once.
  it("before hundreds of words and groups of digits", () => {
    const behind = "; no 7".repeat(600);
    expect(found(`1600 Pennsylvania Avenue, 13800138000${behind}`)).toStrictEqual([
      "phone 13800138000",
      "address 1600 Pennsylvania Avenue",
    ]);
  });

  it("behind hundreds of words and groups of digits", () => {
    const before = "no 7 ".repeat(600);
    expect(found(`${before}1600 Pennsylvania Avenue, 13800138000, 文三路478号`)).toStrictEqual([
      "phone 13800138000",
      "address 文三路478号",
      "address 1600 Pennsylvania Avenue",
    ]);
  });

  it("each time anew, whatever was searched before", () => {
    const text = "call 13800138000 or 0571-88886666, 12 Nowhere Street";
    const alone = found(text);
    found("13912345678 ".repeat(300));
    expect(found("no number")).toStrictEqual([]);
    expect(found(text)).toStrictEqual(alone);
    expect(alone).toHaveLength(3);
  });

  it("behind a hundred numbers of another kind", () => {
    const kinds = (text: string) => new Set(findPersonal(text).findings.map(({ kind }) => kind));
    expect(kinds(`${"13800138000;".repeat(100)}110101199003074477`)).toStrictEqual(new Set(["phone", "identity"]));
  });

  it("with an extension or without one, whatever number stands before it", () => {
    expect(found("0571-88886666 ext. 12; 13612345678, 13800138000转1234; 13912345678")).toStrictEqual([
      "phone 0571-88886666 ext. 12",
      "phone 13612345678",
      "phone 13800138000转1234",
      "phone 13912345678",
    ]);
  });

  it.each([
    ["0571-28059599-1-602", "0571-28059599"],
    ["+49 171 2345699 90号", "+49 171 2345699"],
    ["+49 171 2345699 ext. 12 602", "+49 171 2345699 ext. 12"],
    ["13712349999 6222 0236", "13712349999"],
    ["13712349999,1234", "13712349999,1234"],
    ["13712349999,1234;5", "13712349999,1234"],
    ["13712349999,1234 5678", "13712349999"],
    ["13712349999,1234.5", "13712349999"],
    ["13712349999,1234/5", "13712349999"],
    ["13712349999,12345", "13712349999"],
    ["13712349999,123", "13712349999"],
  ])("up to where it ends: %s", (text, telephone) => {
    expect(found(text)).toStrictEqual([`phone ${telephone}`]);
  });

  it("as a service number of China: 400 and any seven digits", () => {
    for (const digit of "0123456789") {
      expect(found(`400${digit}234567`)).toStrictEqual([`phone 400${digit}234567`]);
      expect(found(`400-${digit}23-4567`)).toStrictEqual([`phone 400-${digit}23-4567`]);
    }
    for (const other of ["4012345678", "40012345678", "4100123456", "3001234567"])
      expect(found(other)).toStrictEqual([]);
  });

  it.each([
    ["电话 013712349999 浙江省", "013712349999"],
    ["013712349999", "013712349999"],
    ["0137 1234 9999", "0137 1234 9999"],
    ["0137-1234-9999", "0137-1234-9999"],
    ["0 137 1234 9999", "0 137 1234 9999"],
    ["013712349999转1234", "013712349999转1234"],
    ["013712349999-1234", "013712349999-1234"],
    ["0137123499991234", "0137123499991234"],
    ["013712349999 18-602", "013712349999"],
  ])("behind a trunk zero: %s", (text, telephone) => {
    expect(found(text)).toStrictEqual([`phone ${telephone}`]);
  });

  it.each([
    "01-30-2026 1200",
    "01-31-2026 12 30",
    "012712349999",
    "0137123499991",
    "01371234999",
    "10137123499990",
    "9400 0137 1234 9999 0000 00",
  ])("not in what merely begins like one behind a trunk zero: %s", (text) => expect(found(text)).toStrictEqual([]));

  it.each([
    ["护照EA1234567", "EA1234567"],
    ["护照号EA1234567 张三", "EA1234567"],
    ["护照号码：EA1234567", "EA1234567"],
    ["張三護照G12345678", "G12345678"],
    ["Passport EA1234567", "EA1234567"],
    ["PASSPORT NO. G12345678", "G12345678"],
    ["passport number EA1234567", "EA1234567"],
    ["PASSPORT#EA1234567", "EA1234567"],
    ["港澳通行证 C12345678", "C12345678"],
    ["港澳居民来往内地通行证H1234567801", "H1234567801"],
    ["台胞证 12345678", "12345678"],
    ["台胞证号12345678，张三", "12345678"],
    ["回乡证H12345678", "H12345678"],
  ])("behind the word for a document: %s", (text, number) => {
    expect(found(text)).toStrictEqual([`identity ${number}`]);
  });

  it.each([
    "passport RB123456789CN",
    "passport cover EA1234567",
    "护照夹 EA1234567",
    "EA1234567",
    "通行证 12345",
    "护照 SF1385628716739",
    "护照YT1234567890123",
    "护照 20260131",
  ])("not behind another word, nor in a longer number: %s", (text) => expect(found(text)).toStrictEqual([]));

  it("not in an identity number whose check letter is wrong", () => {
    expect(found("11010119900307001X")).toStrictEqual([]);
    expect(found("11010519491231002X")).toStrictEqual(["identity 11010519491231002X"]);
  });

  it.each(["139ー1234ー5678", "139\u30001234\u30005678", "139\u200b12345678"])(
    "whatever joins its groups: %s",
    (text) => {
      expect(found(text)).toHaveLength(1);
    },
  );
});

const leaksIn = (text: string) => leaksOf(new Search(readLabels(Buffer.from(text), "]Q1")));

describe("R06 what a label shows", () => {
  it("is found in what stands encoded in a label that has too much in it", () => {
    expect(leaksIn(`https://a.cn/?${"a=1&".repeat(60)}b=138%30013800%30&${"a=1&".repeat(60)}`)).toStrictEqual([
      "phone",
    ]);
  });

  it("is a telephone where seven digits stand behind the word for one, and none with six", () => {
    expect(leaksIn('{"phone":"5551234"}')).toStrictEqual(["phone"]);
    expect(leaksIn('{"phone":"555123"}')).toStrictEqual([]);
  });

  it("is somebody's number where a word two before its name says so", () => {
    expect(leaksIn("passport tracking no: 123456789012")).toStrictEqual(["identity"]);
    expect(leaksIn("parcel tracking no: 123456789012")).toStrictEqual([]);
  });
});
