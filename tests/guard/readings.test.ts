import { describe, expect, it } from "vitest";
import { decodings } from "../../src/guard/label/decode.ts";
import { capturedLabel } from "../fakes/labels.ts";
import { aFirstRead, aGuard, cleared } from "./build.ts";

const masksOf = (file: string, name: string): unknown => {
  const { bytes, symbology } = capturedLabel(file, name);
  return cleared(aFirstRead({ code: bytes, symbology }), aGuard({ core: "mask" })).data.masked;
};

describe("R10 what is masked", () => {
  it("is of that reading in which most makes sense, where an encoding may be one of several", () => {
    expect(masksOf("text", "Japanese 1")).toEqual([
      { kind: "name", text: "佐***" },
      { kind: "address", text: "***" },
      { kind: "phone", text: "***" },
    ]);
  });

  it("is the street of a FedEx label too, and the name behind its state as a name", () => {
    const pieces = masksOf("fedex", "PDF417 0") as { kind: string; text: string }[];
    expect(pieces.slice(0, 5)).toEqual([
      ...Array.from({ length: 3 }, () => ({ kind: "address", text: "***" })),
      { kind: "name", text: "M***" },
      { kind: "name", text: "A***" },
    ]);
  });
});

describe("bytes that somebody lost of UTF-8", () => {
  const text = "收件人：张伟 地址：浙江省杭州市西湖区文三路478号";

  it("are UTF-8 and nothing else where so much else is", () => {
    const cut = Buffer.from(text).subarray(0, -1);
    expect(decodings(cut)).toStrictEqual([`${text.slice(0, -1)}\ufffd`]);
  });

  it("may be in another encoding where little else is: they are read in each", () => {
    const cut = Buffer.from("tel 13800138000 张伟").subarray(0, -1);
    const readings = decodings(cut);
    expect(readings).toContain("tel 13800138000 张\ufffd");
    expect(readings.length).toBeGreaterThan(1);
  });

  it("are too many for UTF-8 from the fifth on", () => {
    const lost = (count: number): Buffer => Buffer.concat([Buffer.from("张".repeat(50)), Buffer.alloc(count, 0xff)]);
    expect(decodings(lost(4))).toStrictEqual([`${"张".repeat(50)}\ufffd\ufffd\ufffd\ufffd`]);
    expect(decodings(lost(5))).toStrictEqual([lost(5).toString("latin1")]);
  });
});

describe("a waybill by its name", () => {
  const codeOf = (code: string): unknown => cleared(aFirstRead({ code, symbology: "]Q1" }), aGuard()).data.code;

  it.each([..."退回换转母原旧子", "关联", "签回"])("is another parcel's where the name says %s", (word) => {
    expect(codeOf(`${word}运单：SF1385628716739`)).toBeUndefined();
    expect(codeOf(JSON.stringify({ [`${word}运单`]: "SF1385628716739" }))).toBeUndefined();
  });

  it("is this parcel's where the name says nothing of the kind", () => {
    for (const word of ["", "新", "本"]) expect(codeOf(`${word}运单：SF1385628716739`)).toBe("SF1385628716739");
  });
});

describe("a number in text of GB18030", () => {
  const number = Buffer.from("SF1385628716739");
  const codeBehind = (hex: string, behind = ""): unknown => {
    const code = Buffer.concat([Buffer.from(hex, "hex"), number, Buffer.from(behind, "hex")]);
    return cleared(aFirstRead({ code, symbology: "]Q1" }), aGuard()).data.code;
  };

  it("is the parcel's where its name says so: 运单号", () => {
    expect(codeBehind("d4cbb5a5bac5a3ba")).toBe("SF1385628716739");
  });

  it("is not, though another reading cannot read its name, where that says another parcel's: 原单号", () => {
    expect(codeBehind("d4adb5a5bac5a3ba")).toBeUndefined();
    expect(codeBehind("7b22d4adb5a5bac5223a22", "227d")).toBeUndefined();
  });

  it("is not where something else is called the waybill: 运单号：ABC123，", () => {
    expect(codeBehind("d4cbb5a5bac5a3ba414243313233a3ac")).toBeUndefined();
  });
});
