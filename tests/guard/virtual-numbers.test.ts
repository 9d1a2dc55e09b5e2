import { describe, expect, it } from "vitest";
import { leaksOf } from "../../src/guard/detect/leaks.ts";
import { Search } from "../../src/guard/detect/search.ts";
import { readLabels } from "../../src/guard/label/read-label.ts";
import { aFirstRead, cleared, everything } from "./build.ts";

const numbers = [
  "17012345678",
  "16512345678",
  "13800138000-1234",
  "13800138000转1234",
  "13800138000 转 1234",
  "13800138000,1234",
  "13800138000#1234",
  "13800138000ext1234",
  "138001380001234",
  "400-820-8820-123",
];

describe("R36 a virtual number", () => {
  it.each(numbers)("%s is a telephone: alone it is not cleared, in a text it is noticed", (number) => {
    expect(cleared(aFirstRead({ code: number })).data.codeClass).toBe("unknown");
    expect(everything.carriers).toContain("yunda");
    expect(leaksOf(new Search(readLabels(Buffer.from(`收件人 ${number}`), "]Q1")))).toContain("phone");
  });
});
