import fc from "fast-check";
import { expect, test } from "vitest";
import { drawKeys } from "../../src/dedup/ring/hash.ts";
import { latin1 } from "../../src/lib/bytes.ts";
import { limits } from "../../src/model/limits.ts";
import { aRead, aWindow, unaccounted } from "./builders.ts";

const wall = 1.7e12;

test("a full window ends the pass that would depart next and says so", () => {
  const { window, seen, told } = aWindow({ emit: "pass" }, { passesMax: 3 });
  for (const [nowMs, code] of [
    [0, "A"],
    [10, "B"],
    [20, "C"],
    [30, "A"],
  ] as const)
    window.admit(aRead(code), 0, nowMs, wall);
  expect(window.admit(aRead("D"), 0, 40, wall)).toBe("opened");
  expect(seen.map((one) => one.kind === "pass" && [latin1(one.code), one.closeReason])).toEqual([["B", "evicted"]]);
  expect(told).toMatchObject([{ name: "pass/evicted", level: "warn", fields: { readPoint: "tunnel-1", count: 1 } }]);
  expect(window.counters()).toMatchObject({ live: 3, evicted: 1, opened: 4 });
});

test("a pass that has departed makes room without being evicted", () => {
  const { window, seen, told } = aWindow({ emit: "pass" }, { passesMax: 2 });
  window.admit(aRead("A"), 0, 0, wall);
  window.admit(aRead("B"), 0, 10, wall);
  window.admit(aRead("C"), 0, 100, wall);
  expect(seen).toMatchObject([{ closeReason: "departed" }]);
  expect(told).toEqual([]);
  expect(window.counters()).toMatchObject({ live: 2, evicted: 0 });
});

test("a pass that departed just after the last sweep makes room without being evicted", () => {
  const { window, seen } = aWindow({ emit: "pass" }, { passesMax: 1 });
  window.admit(aRead("A"), 0, 0.25, wall);
  window.sweep(100.125, wall);
  expect(seen).toEqual([]);
  window.admit(aRead("B"), 0, 100.375, wall);
  expect(seen).toMatchObject([{ closeReason: "departed" }]);
  expect(window.counters().evicted).toBe(0);
});

test("evictions are told at once, then at most once a second with their count", () => {
  const { window, told } = aWindow({}, { passesMax: 1 });
  for (let n = 0; n <= 2_500; n++) window.admit(aRead(`A${n}`), 0, n, wall);
  expect(told.map(({ fields }) => fields?.count)).toEqual([1, 999, 1_000]);
  window.close(2_501, wall);
  expect(told.map(({ fields }) => fields?.count)).toEqual([1, 999, 1_000, 500]);
  expect(window.counters().evicted).toBe(2_500);
});

test("evictions that were not told yet are told by a sweep", () => {
  const { window, told } = aWindow({}, { passesMax: 1 });
  for (let n = 0; n < 4; n++) window.admit(aRead(`A${n}`), 0, n, wall);
  window.sweep(900, wall);
  expect(told).toHaveLength(1);
  window.sweep(1_001, wall);
  expect(told.map(({ fields }) => fields?.count)).toEqual([1, 2]);
});

test("no notice names a code", () => {
  const { window, told } = aWindow({}, { passesMax: 1 });
  for (const code of ["SF1385628716739", "SF1385628716740"]) window.admit(aRead(code), 0, 0, wall);
  expect(told).toHaveLength(1);
  expect(JSON.stringify(told)).not.toContain("SF13");
});

test("long codes that find no room for their bytes push out others, and all bytes come back", () => {
  const { window, seen } = aWindow({ emit: "pass" }, { passesMax: 8 });
  const long = (letter: string) => letter.repeat(limits.codeBytesMax);
  for (const letter of "ABCABC") window.admit(aRead(long(letter)), 0, 0, wall);
  expect(window.counters()).toMatchObject({ live: 1, evicted: 5 });
  for (const one of seen) expect(one.kind === "pass" && new Set(one.code).size).toBe(1);
  window.close(1, wall);
  for (let n = 0; n < 8; n++) window.admit(aRead(`${n}`.repeat(64)), 0, 10, wall);
  expect(window.counters()).toMatchObject({ live: 8, evicted: 5 });
});

test("a restored pass that finds no room is left out and counted, and nobody else suffers", () => {
  const { window, seen } = aWindow({ emit: "both" }, { passesMax: 1 });
  const facts = {
    device: "scanner-1",
    medium: "barcode",
    symbology: undefined,
    firstReadAt: wall,
    stalled: false,
  } as const;
  window.restore({ code: Uint8Array.of(0x41), passId: "0-1", ...facts }, 0);
  window.restore({ code: Uint8Array.of(0x42), passId: "0-2", ...facts }, 0);
  expect(seen).toEqual([]);
  expect(window.counters()).toMatchObject({ live: 1, evicted: 1 });
  expect(window.admit(aRead("A"), 0, 1, wall)).toBe("suppressed");
});

test("however full the window, it never loses count, never follows too many and summarises each read once", () => {
  const step = fc.record({ code: fc.nat(40), stepMs: fc.constantFrom(0, 1, 7, 33, 120), sweeps: fc.boolean() });
  const property = fc.property(
    fc.integer({ min: 1, max: 9 }),
    fc.constantFrom({}, { hashKeys: { ...drawKeys(), factor: 0 } }),
    fc.integer({ min: 1, max: 2 }),
    fc.array(step, { maxLength: 400, size: "max" }),
    (passesMax, crowd, reads_min, steps) => {
      const { window, seen } = aWindow({ emit: "pass", reads_min }, { passesMax, ...crowd });
      let nowMs = 0;
      for (const { code, stepMs, sweeps } of steps) {
        nowMs += stepMs;
        window.admit(aRead(`${code}`.repeat(20)), 0, nowMs, wall);
        if (sweeps) window.sweep(nowMs, wall);
        expect(unaccounted(window)).toBe(0);
        expect(window.counters().live).toBeLessThanOrEqual(passesMax);
      }
      window.close(nowMs, wall);
      const summed = seen.reduce((sum, one) => sum + (one.kind === "pass" ? one.readCount : 0), 0);
      expect(summed + window.counters().refused.readsMin).toBe(steps.length);
      expect(window.counters()).toMatchObject({ live: 0, pending: 0 });
    },
  );
  fc.assert(property, { numRuns: 150 });
}, 120_000);
