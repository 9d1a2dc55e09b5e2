import { describe, expect, it } from "vitest";
import { findPersonal } from "../../src/guard/detect/find.ts";
import { normalized } from "../../src/guard/label/normalized.ts";
import { readLabels } from "../../src/guard/label/read-label.ts";
import { aFirstRead, aGuard, cleared } from "./build.ts";

const waybill = "SF1385628716000";
const codeOf = (code: Uint8Array): unknown =>
  cleared(aFirstRead({ code, symbology: "]Q1" }), aGuard({ carriers: ["sf"] })).data.code;

describe("what costs much and tells nothing", () => {
  it.each([
    ["names with nothing behind them", "name: "],
    ["names in pieces with nothing behind them", "tel:;"],
    ["web addresses with nothing in them", "a:// "],
  ])("is no part of a label that is taken apart: %s", (_, piece) => {
    expect(codeOf(Buffer.from(`- ${piece.repeat(64)} ${waybill}`))).toBe(waybill);
    expect(codeOf(Buffer.from(`- ${piece.repeat(66)} ${waybill}`))).toBeUndefined();
  });

  it.each([
    ["parameters of a web address", `https://a.cn/?${"tel=&".repeat(200)}nu=${waybill}`],
    ["members of JSON", `{${'"tel":"","addr":null,'.repeat(80)}"nu":"${waybill}"}`],
    ["members of a sorting code", `MMM={${",".repeat(500)}'k5':'${waybill}'}`],
    ["pieces of a text", `${"; ".repeat(500)}${waybill}`],
  ])("may stand in a label as often as it likes where it costs little: %s", (_, text) => {
    expect(codeOf(Buffer.from(text))).toBe(waybill);
  });

  it("are several readings that are longer together than a code: it is read in one, and nothing is taken out", () => {
    const ofLength = (bytes: number): Uint8Array =>
      Buffer.from(`\u00b0\u00a1 nu:${waybill};`.padEnd(bytes, " a"), "latin1");
    expect(readLabels(ofLength(768), "]Q1")).toHaveLength(4);
    expect(codeOf(ofLength(768))).toBe(waybill);
    expect(readLabels(ofLength(769), "]Q1")).toHaveLength(1);
    expect(codeOf(ofLength(769))).toBeUndefined();
  });

  it("is text that grows: it is searched as far as a code is long", () => {
    expect(normalized("㌖".repeat(1_024))).toBe("キロメ-トル".repeat(512));
  });

  it("is no character that says a whole sentence: it is a blank, and what stands behind is searched", () => {
    expect(normalized("a\ufdfab\ufdfbc")).toBe("a b c");
    const behind = `${"\ufdfa".repeat(300)}13712349999`;
    expect(findPersonal(behind).findings.map(({ kind }) => kind)).toStrictEqual(["phone"]);
  });
});
