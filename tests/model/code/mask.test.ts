import fc from "fast-check";
import { expect, it } from "vitest";
import { maskCode } from "../../../src/model/code/mask.ts";

it("a code shows its first two and last four characters", () => {
  expect(maskCode("SF1385628716739")).toBe("SF•••••••••6739");
  expect(maskCode("3074257BF7194E4000001A85")).toBe("30••••••••••••1A85");
});

it("a short code shows nothing", () => {
  expect(maskCode("13800138000")).toBe("•••••••••••");
  expect(maskCode("")).toBe("");
});

it("whatever comes, the mask is short, printable, and hides at least six characters or all", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 4_000 }), (code) => {
      const mask = maskCode(code);
      expect(mask).toMatch(/^[!-~•]*$/);
      expect(mask.length).toBeLessThanOrEqual(18);
      expect([...mask].filter((one) => one === "•").length).toBeGreaterThanOrEqual(Math.min(code.length, 6));
    }),
  );
});

it("control characters at either end are hidden too", () => {
  expect(maskCode("\x1bSF1385628716\x1b[2J")).toBe(`•S${"•".repeat(11)}•[2J`);
  expect(maskCode("SF1385628716\x1b[2J\n")).toBe(`SF${"•".repeat(11)}[2J•`);
});
