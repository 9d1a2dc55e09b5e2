import { describe, expect, it } from "vitest";
import { findPersonal } from "../../src/guard/detect/find.ts";
import { findingsMax } from "../../src/guard/detect/finding.ts";

const found = (text: string): readonly string[] =>
  findPersonal(text).findings.map(({ kind, start, end }) => `${kind} ${findPersonal(text).text.slice(start, end)}`);

describe("R06 what is somebody's is found", () => {
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

  it.each([
    ["telephones", "13800138000;"],
    ["mail addresses", "a@example.com "],
    ["streets", "12 Nowhere Street, or "],
  ])("as often as a label may show it, and no more: %s", (_, piece) => {
    expect(found(piece.repeat(3)).length).toBe(3);
    expect(found(piece.repeat(200)).length).toBe(findingsMax);
  });
});
