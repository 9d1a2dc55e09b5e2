import { expect, test } from "vitest";
import type { Read } from "../../src/model/read.ts";
import { aRead, aWindow } from "./builders.ts";

// First in the file: memory that another window gave back would have to be cleared, and cleared memory is touched.
test("a window costs no memory before it is used", () => {
  const before = process.memoryUsage.rss();
  const rigs = Array.from({ length: 8 }, () => aWindow());
  expect(process.memoryUsage.rss() - before).toBeLessThan(32 * 2 ** 20);
  for (const { window } of rigs) window.admit(aRead("A"), 0, 0, 0);
  expect(rigs.map(({ window }) => window.counters().live)).toEqual(Array(8).fill(1));
});

/** Times with a fraction that stand boxed in the list, as `performance.now()` hands them out: the caller's boxes. */
function boxedTimes(count: number): number[] {
  const times: unknown[] = ["keeps the numbers boxed"];
  for (let n = 0; n < count; n++) times.push(1_000.5 + n / 1_024);
  return times.slice(1) as number[];
}

test("a repeated read allocates nothing", () => {
  const { window } = aWindow({ depart_ms: 600_000, pass_max_ms: 86_400_000, rssi_min_dbm: -100 });
  const reads: Read[] = [
    aRead("SF1385628716739", { symbology: "]C1" }),
    aRead("30751FEB705C5904E3D50D70", { medium: "rfid", antenna: 2, rssiDbm: -55.5 }),
    aRead("x".repeat(200)),
  ];
  const times = boxedTimes(1_000);
  const wallMs = 1.7e12;
  const readOften = (rounds: number): void => {
    for (let round = 0; round < rounds; round++)
      for (let n = 0; n < 1_000; n++) window.admit(reads[n % 3] as Read, n & 1, times[n] as number, wallMs);
  };
  readOften(500);
  // In chunks, so that a collection or a compilation spoils one of them and not the result.
  const growths: number[] = [];
  for (let chunk = 0; chunk < 20; chunk++) {
    const before = process.memoryUsage().heapUsed;
    readOften(100);
    growths.push(process.memoryUsage().heapUsed - before);
  }
  growths.sort((a, b) => a - b);
  expect(window.counters()).toMatchObject({ reads: 2_500_000, opened: 3, suppressed: 2_499_997 });
  // One box of 16 bytes per read would be 1.6 million bytes per chunk.
  expect(growths[10]).toBeLessThan(20_000);
});
