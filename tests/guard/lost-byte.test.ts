import { describe, expect, it } from "vitest";
import { aFirstRead, aGuard, cleared } from "./build.ts";

/** As a shipper prints it: so much is UTF-8 that a byte which went wrong makes it nothing else. */
const labelOf = (number: string): Buffer => Buffer.from(`收件人：张伟 地址：浙江省杭州市西湖区 运单号：${number}`);

const codeOf = (code: Uint8Array): unknown => cleared(aFirstRead({ code, symbology: "]Q1" }), aGuard()).data.code;

const numbers = [
  ["a number of STO", "775577822309067"],
  ["a number of Yunda", "4337731027063"],
  ["a number of SF", "SF1385628716739"],
  ["a payment card", "4619628081779392"],
  ["an identity number", "330106198009122461"],
  ["a mobile number with its extension", "136697029311493"],
] as const;

describe("R05 of a number in which one byte went wrong", () => {
  it.each(numbers)("%s: no other number is made, whichever byte it is", (_, number) => {
    for (let at = 0; at < number.length; at += 1) {
      const bytes = labelOf(number);
      const place = bytes.length - number.length + at;
      bytes[place] = bytes[place]! | 0x80;
      expect(codeOf(bytes), String(at)).toBeUndefined();
    }
  });

  it.each([
    ["a NUL, as a serial line gives", "Tracking no: ", "", 0],
    ["a NUL, in Chinese", "运单号：", " 张伟", 0],
    ["a byte that is no text", "Tracking no: ", " Hans", 0x85],
    ["a byte that is no text, but in Shift-JIS", "Tracking no: ", " Hans Müller", 0x80],
  ] as const)("%s in the place of a digit makes no other number", (_, before, behind, lost) => {
    const number = "775577822309067";
    const first = Buffer.byteLength(before);
    for (let at = 1; at < number.length - (lost === 0 ? 1 : 0); at += 1) {
      const bytes = Buffer.from(before + number + behind);
      bytes[first + at] = lost;
      expect([at, codeOf(bytes)]).toStrictEqual([at, undefined]);
    }
    expect(codeOf(Buffer.from(before + number + behind))).toBe(number);
  });

  it("a letter that was lost before digits makes no number of them", () => {
    expect(codeOf(Buffer.from("MMM={'k1':'010','k5':'SF5732467407049'}"))).toBe("SF5732467407049");
    expect(codeOf(Buffer.from("MMM={'k1':'010','k5':'S\u00005732467407049'}"))).toBeUndefined();
  });

  it("nothing is taken that touches what was lost, and what stands apart from it is", () => {
    const lost = Buffer.of(0xb3);
    expect(codeOf(Buffer.concat([labelOf("SF1385628716739"), lost]))).toBeUndefined();
    expect(codeOf(Buffer.concat([labelOf("SF1385628716739"), Buffer.from(" "), lost]))).toBe("SF1385628716739");
    expect(codeOf(labelOf("SF1385628716739"))).toBe("SF1385628716739");
  });
});

describe("R06 a telephone behind the identifier that GS1 has for one", () => {
  it.each(["]Q1", "]d1", "]L0", undefined])("is no number of Yunda or STO (%s)", (symbology) => {
    for (const code of ["430813812345678", "431913812345678"]) {
      const { data } = cleared(aFirstRead({ code, symbology }), aGuard({ core: "mask" }));
      expect(data.code).toBeUndefined();
      expect(data.masked).toStrictEqual([{ kind: "phone", text: "138***78" }]);
    }
  });
});
