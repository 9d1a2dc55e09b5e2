import { describe, expect, it } from "vitest";
import { aFirstRead, aGuard, aPass, clock, noon } from "./build.ts";

const leaking = "https://shop.example/q?mailno=SF1385628716739&name=%E5%BC%A0%E4%BC%9F&tel=13800138000";
const clean = "https://shop.example/q?mailno=SF1385628716739";

describe("R53 who prints labels that show too much", () => {
  it("is told by format, beginning of the number and kinds, without anything of a person", () => {
    const guard = aGuard();
    for (const code of [leaking, leaking, clean, "收件人：张伟"]) guard.clear(aFirstRead({ code }), clock, true);
    const event = guard.labels.report(noon + 60_000);
    expect(event).toMatchObject({ kind: "audit", subject: undefined, at: noon + 60_000 });
    expect(event?.data).toStrictEqual({
      action: "labels",
      from: "2026-11-23T12:00:00.123Z",
      to: "2026-11-23T12:01:00.121Z",
      labelCount: 4,
      leakingCount: 3,
      otherCount: 0,
      leaking: [
        { format: "url", shipper: "SF13", kinds: ["name", "phone"], count: 2 },
        { format: "text", kinds: ["name"], count: 1 },
      ],
    });
    for (const secret of ["张伟", "13800138000", "85628716739"]) expect(JSON.stringify(event)).not.toContain(secret);
  });

  it("is told by the first eight digits of an SSCC, which are the company's, and no more", () => {
    const guard = aGuard();
    const code = "001061414123456789084301Zhang%20Wei";
    guard.clear(aFirstRead({ code, symbology: "]C1" }), clock, true);
    expect(guard.labels.report(noon)?.data.leaking).toStrictEqual([
      { format: "gs1", shipper: "10614141", kinds: ["name"], count: 1 },
    ]);
  });

  it("does not count the number of a carrier that the site has not listed", () => {
    const guard = aGuard({ carriers: ["sf"] });
    guard.clear(aFirstRead({ code: "73610555582883", symbology: "]C0" }), clock, true);
    expect(guard.labels.totals()).toStrictEqual([]);
  });

  it("tells the most frequent first", () => {
    const guard = aGuard();
    for (const code of ["tel:13800138000", leaking, leaking]) guard.clear(aFirstRead({ code }), clock, true);
    expect(guard.labels.report(noon)?.data.leaking).toMatchObject([{ count: 2 }, { count: 1 }]);
  });

  it("begins anew with each report, and totals go on", () => {
    const guard = aGuard();
    expect(guard.labels.report(noon)).toBeUndefined();
    guard.clear(aFirstRead({ code: leaking }), clock, true);
    expect(guard.labels.report(noon)?.data.labelCount).toBe(1);
    expect(guard.labels.report(noon)).toBeUndefined();
    guard.clear(aFirstRead({ code: clean }), clock, true);
    expect(guard.labels.totals()).toStrictEqual([{ format: "url", labelCount: 2, leakingCount: 1 }]);
  });

  it("counts a pass once, and no plain number", () => {
    const guard = aGuard();
    guard.clear(aFirstRead({ code: leaking }), clock, true);
    guard.clear(aPass({ code: leaking }), clock);
    guard.clear(aFirstRead({ code: "SF1385628716739" }), clock, true);
    expect(guard.labels.totals()).toStrictEqual([{ format: "url", labelCount: 1, leakingCount: 1 }]);
  });

  it("R53 is told by shipper since the start, fifty apart and all others together, and no count ever falls", () => {
    const guard = aGuard();
    const from = (n: number): string => leaking.replace("SF13", `SF${String(n).padStart(2, "0")}`);
    const pass = (code: string): unknown => guard.clear(aFirstRead({ code }), clock, true);
    pass(clean);
    expect(guard.labels.shippers()).toStrictEqual([]);
    for (let n = 0; n < 50; n += 1) pass(from(n));
    for (const code of [from(7), from(60), from(61), from(60), "收件人：张伟"]) pass(code);
    guard.labels.report(noon);
    const shippers = guard.labels.shippers();
    expect(shippers).toHaveLength(52);
    expect(shippers).toContainEqual({ shipper: "SF07", leakingCount: 2 });
    expect(shippers.slice(50)).toStrictEqual([
      { shipper: "other", leakingCount: 3 },
      { shipper: "none", leakingCount: 1 },
    ]);
    for (let count = 0; count < 9; count += 1) pass(from(60));
    expect(guard.labels.shippers().map(({ shipper }) => shipper)).toStrictEqual(shippers.map(({ shipper }) => shipper));
    expect(guard.labels.shippers()).toContainEqual({ shipper: "other", leakingCount: 12 });
  });

  it("R53 is told by no shipper where the number is kept back", () => {
    const guard = aGuard({ basic: "token" });
    guard.clear(aFirstRead({ code: leaking }), clock, true);
    expect(guard.labels.shippers()).toStrictEqual([{ shipper: "none", leakingCount: 1 }]);
  });

  it("keeps fifty rows of a report, and counts the rest together", () => {
    const guard = aGuard();
    for (let n = 0; n < 60; n += 1)
      guard.clear(aFirstRead({ code: leaking.replace("SF13", `SF${String(n).padStart(2, "0")}`) }), clock, true);
    const data = guard.labels.report(noon)?.data;
    expect(data).toMatchObject({ labelCount: 60, leakingCount: 60, otherCount: 10 });
    expect(data?.leaking).toHaveLength(50);
  });
});
