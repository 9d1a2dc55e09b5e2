import { expect, test } from "vitest";
import { createWindow } from "../../src/dedup/index.ts";
import { bytesOf, latin1 } from "../../src/lib/bytes.ts";
import { aRead, aWindow, someSettings, unaccounted } from "./builders.ts";

const wall = Date.UTC(2026, 10, 23, 3, 10, 11, 121);
const waybill = "SF1385628716739";

test("the first read of a code is told at once, further ones are not", () => {
  const { window, seen } = aWindow();
  expect(window.admit(aRead(waybill, { symbology: "]C1" }), 0, 1_000, wall)).toBe("opened");
  expect(window.admit(aRead(waybill), 1, 1_020, wall + 20)).toBe("suppressed");
  expect(seen).toEqual([
    {
      kind: "first-read",
      passId: "9f0c3a1e-1",
      readPoint: "tunnel-1",
      device: "scanner-1",
      medium: "barcode",
      symbology: "]C1",
      code: new Uint8Array(bytesOf(waybill)),
      firstReadAt: wall,
      at: wall,
      monotonicMs: 1_000,
      antenna: undefined,
      rssiDbm: undefined,
    },
  ]);
});

test("a summary counts all devices and antennas of the pass and shares the passId of its first read", () => {
  const { window, seen } = aWindow({ emit: "both" });
  window.admit(aRead(waybill), 1, 1_000, wall);
  window.admit(aRead(waybill, { medium: "rfid", antenna: 3, rssiDbm: -61.5 }), 2, 1_050, wall + 50);
  window.admit(aRead(waybill, { medium: "rfid", antenna: 1 }), 2, 1_060, wall + 60);
  window.admit(aRead(waybill, { medium: "rfid", antenna: 3, rssiDbm: -48.25 }), 2, 1_070, wall + 70);
  window.sweep(1_169.75, wall + 169);
  expect(seen).toHaveLength(1);
  window.sweep(1_170, wall + 170);
  expect(seen[1]).toMatchObject({
    kind: "pass",
    passId: seen[0]?.kind === "first-read" ? seen[0].passId : "none",
    device: "scanner-2",
    firstReadAt: wall,
    lastReadAt: wall + 70,
    at: wall + 170,
    readCount: 4,
    antennas: [
      { antenna: 3, readCount: 2, rssiDbmPeak: -48.25 },
      { antenna: 1, readCount: 1, rssiDbmPeak: undefined },
    ],
    devices: ["scanner-2", "rfid-1"],
    closeReason: "departed",
  });
});

test("a code that comes again after depart_ms is a new pass, swept or not", () => {
  const { window, seen } = aWindow({ emit: "pass" });
  window.admit(aRead(waybill), 0, 0, wall);
  expect(window.admit(aRead(waybill), 0, 99.75, wall)).toBe("suppressed");
  expect(window.admit(aRead(waybill), 0, 199.75, wall)).toBe("opened");
  expect(seen).toMatchObject([{ passId: "9f0c3a1e-1", readCount: 2, closeReason: "departed" }]);
});

test("passes end in order of departure", () => {
  const { window, seen } = aWindow({ emit: "pass" });
  for (const [nowMs, code] of [
    [0, "A"],
    [10, "B"],
    [20, "C"],
    [50, "A"],
    [60, "B"],
  ] as const)
    window.admit(aRead(code), 0, nowMs, wall);
  window.sweep(70, wall);
  window.sweep(170, wall);
  expect(seen.map((one) => one.kind === "pass" && latin1(one.code))).toEqual(["C", "A", "B"]);
});

test.each(["first", "pass", "both"] as const)(
  "with emit %s a parked tag is told once as stalled, then silent",
  (emit) => {
    const { window, seen } = aWindow({ emit });
    for (let nowMs = 0; nowMs <= 10_000; nowMs += 20) {
      window.admit(aRead("E2000017", { medium: "rfid", antenna: 1 }), 2, nowMs, wall + nowMs);
      window.sweep(nowMs, wall + nowMs);
    }
    const stalled = seen.filter((one) => one.kind === "pass");
    expect(stalled).toMatchObject([{ closeReason: "stalled", monotonicMs: 300, readCount: 16 }]);
    expect(seen).toHaveLength(emit === "pass" ? 1 : 2);
    window.sweep(10_100, wall);
    expect(seen).toHaveLength(emit === "pass" ? 1 : 2);
    expect(window.counters().live).toBe(0);
    window.admit(aRead("E2000017", { medium: "rfid" }), 2, 10_200, wall);
    expect(window.counters()).toMatchObject({ opened: 2, live: 1 });
  },
);

test("a pass with fewer than reads_min reads is noise: refused, counted, never told", () => {
  const { window, seen } = aWindow({ reads_min: 3, emit: "both" });
  expect(window.admit(aRead("A"), 0, 0, wall)).toBe("pending");
  expect(window.admit(aRead("A"), 0, 10, wall)).toBe("pending");
  expect(window.counters().pending).toBe(2);
  window.sweep(110, wall);
  expect(seen).toEqual([]);
  expect(window.counters()).toMatchObject({ reads: 2, pending: 0, refused: { rssi: 0, readsMin: 2 } });
});

test("a pass becomes real at its reads_min-th read and dates from its first", () => {
  const { window, seen } = aWindow({ reads_min: 3 });
  window.admit(aRead("A"), 1, 0, wall);
  window.admit(aRead("A"), 0, 10, wall + 10);
  expect(window.admit(aRead("A", { antenna: 4, rssiDbm: -50 }), 2, 20, wall + 20)).toBe("opened");
  expect(seen).toMatchObject([
    { kind: "first-read", device: "scanner-2", firstReadAt: wall, at: wall + 20, antenna: 4, rssiDbm: -50 },
  ]);
  expect(window.counters()).toMatchObject({ reads: 3, opened: 1, suppressed: 2, pending: 0 });
});

test("an RFID read below rssi_min_dbm neither opens nor prolongs a pass", () => {
  const { window, seen } = aWindow({ rssi_min_dbm: -65, emit: "pass" });
  const heard = (rssiDbm: number | undefined) => aRead("A", { medium: "rfid", rssiDbm });
  expect(window.admit(heard(-65.5), 2, 0, wall)).toBe("refused-rssi");
  expect(window.admit(heard(-65), 2, 10, wall)).toBe("opened");
  expect(window.admit(heard(-80), 2, 60, wall)).toBe("refused-rssi");
  window.sweep(110, wall);
  expect(seen).toMatchObject([{ readCount: 1, closeReason: "departed" }]);
  expect(window.admit(heard(undefined), 2, 120, wall)).toBe("opened");
  expect(window.admit(aRead("B", { rssiDbm: -90 }), 0, 130, wall)).toBe("opened");
  expect(window.counters()).toMatchObject({ reads: 5, refused: { rssi: 2, readsMin: 0 } });
});

test("a no-read is never collapsed", () => {
  const { window, seen } = aWindow({ emit: "pass", reads_min: 5 });
  for (let n = 0; n < 3; n++) window.noRead(1, "barcode", 1_000, wall);
  const noRead = { kind: "no-read", readPoint: "tunnel-1", device: "scanner-2", medium: "barcode", at: wall };
  expect(seen).toEqual(Array(3).fill({ ...noRead, monotonicMs: 1_000 }));
  expect(window.counters()).toMatchObject({ noReads: 3, reads: 0 });
});

test("a pass from the ledger is not told again until it has departed", () => {
  const { window, seen } = aWindow({ emit: "both" });
  const restored = { code: bytesOf(waybill), passId: "0badc0de-7", device: "scanner-1", medium: "barcode" } as const;
  window.restore({ ...restored, symbology: "]C1", firstReadAt: wall - 5_000, stalled: false }, 50);
  expect(window.admit(aRead(waybill), 1, 149, wall)).toBe("suppressed");
  expect(seen).toEqual([]);
  window.sweep(249, wall + 100);
  expect(seen).toMatchObject([
    {
      kind: "pass",
      passId: "0badc0de-7",
      symbology: "]C1",
      device: "scanner-1",
      firstReadAt: wall - 5_000,
      devices: ["scanner-1", "scanner-2"],
      readCount: 2,
    },
  ]);
  expect(window.admit(aRead(waybill), 1, 250, wall)).toBe("opened");
});

test("a pass whose summary stands in the ledger stays silent until it departs", () => {
  const { window, seen } = aWindow({ emit: "both" });
  const facts = { passId: "0badc0de-7", device: "gone-1", medium: "rfid", symbology: undefined } as const;
  window.restore({ code: bytesOf("A"), ...facts, firstReadAt: wall, stalled: true }, 0);
  for (let nowMs = 0; nowMs < 1_000; nowMs += 50) window.admit(aRead("A"), 0, nowMs, wall);
  window.sweep(1_100, wall);
  expect(seen).toEqual([]);
  expect(window.counters()).toMatchObject({ live: 0, suppressed: 20 });
});

test.each([
  ["first", []],
  ["pass", ["shutdown"]],
  ["both", ["shutdown"]],
] as const)("at a stop with emit %s the summaries %j are told", (emit, reasons) => {
  const { window, seen } = aWindow({ emit });
  window.admit(aRead("A"), 0, 0, wall);
  window.close(50, wall + 50);
  expect(seen.flatMap((one) => (one.kind === "pass" ? [one.closeReason] : []))).toEqual(reasons);
  expect(window.counters()).toMatchObject({ live: 0, opened: 1 });
});

test("a clock that runs backwards neither ends a pass nor prolongs it", () => {
  const { window } = aWindow();
  window.admit(aRead("A"), 0, 1_000, wall);
  expect(window.admit(aRead("A"), 0, 5, wall)).toBe("suppressed");
  window.sweep(1_099, wall);
  expect(window.counters().live).toBe(1);
  window.sweep(1_100, wall);
  expect(window.counters().live).toBe(0);
});

test("a jump of the wall clock leaves a pass its own first time", () => {
  const { window, seen } = aWindow({ emit: "pass" });
  window.admit(aRead("A"), 0, 0, 5_000);
  window.admit(aRead("A"), 0, 50, wall);
  window.sweep(150, wall + 100);
  expect(seen).toMatchObject([{ firstReadAt: 5_000, lastReadAt: wall, at: wall + 100 }]);
});

test("a pass is dated right after the wall clock was set more often than there are eras", () => {
  const { window, seen } = aWindow({ emit: "pass" });
  for (let n = 0; n < 10_000; n++) window.admit(aRead("A"), 0, n, wall + n * 60_000);
  window.admit(aRead("B"), 0, 10_000, wall);
  window.sweep(20_000, wall);
  const lastReadsAt = seen.map((one) => one.kind === "pass" && one.closeReason === "departed" && one.lastReadAt);
  expect(lastReadsAt).toEqual([false, wall]);
});

test("a clock that counts whole milliseconds never puts the last read before the first", () => {
  const { window, seen } = aWindow({ emit: "pass" });
  window.admit(aRead("A"), 0, 0.9, wall);
  window.admit(aRead("B"), 0, 1.875, wall + 1);
  window.admit(aRead("A"), 0, 1.875, wall + 1);
  window.sweep(500, wall + 500);
  for (const one of seen) {
    const lastedMs = one.kind === "pass" ? one.lastReadAt - one.firstReadAt : Number.NaN;
    expect(lastedMs).toBeGreaterThanOrEqual(0);
    expect(lastedMs).toBeLessThan(1.1);
  }
  expect(seen).toHaveLength(2);
});

test("a sweep with a budget goes on where it stopped", () => {
  const { window, seen } = aWindow({ emit: "pass" });
  for (let n = 0; n < 10; n++) window.admit(aRead(`A${n}`), 0, n, wall);
  window.sweep(500, wall, 4);
  expect(seen).toHaveLength(4);
  window.sweep(500, wall, 4);
  window.sweep(500, wall, 4);
  expect(seen.map((one) => one.kind === "pass" && latin1(one.code))).toEqual([..."0123456789"].map((n) => `A${n}`));
});

test("the ninth antenna counts for the pass without a share of its own", () => {
  const { window, seen } = aWindow({ emit: "pass" });
  for (let antenna = 1; antenna <= 9; antenna++)
    window.admit(aRead("A", { medium: "rfid", antenna, rssiDbm: -50 }), 2, antenna, wall);
  window.sweep(1_000, wall);
  const [pass] = seen;
  expect(pass).toMatchObject({ readCount: 9 });
  expect(pass?.kind === "pass" && pass.antennas.map(({ antenna }) => antenna)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test("a symbology is kept even when there are more names than the window has numbers for", () => {
  const { window, seen } = aWindow();
  for (let n = 0; n < 400; n++) window.admit(aRead(`A${n}`, { symbology: `]${n}` }), 0, n / 10, wall);
  window.close(1_000, wall);
  for (let n = 0; n < 400; n++) window.admit(aRead(`A${n}`), 0, 2_000, wall);
  expect(seen.map((one) => one.kind === "first-read" && one.symbology)).toEqual([
    ...Array.from({ length: 400 }, (_, n) => `]${n}`),
    ...Array(400).fill(undefined),
  ]);
});

test("the thirty-second device of a read point has a bit of its own", () => {
  const names = Array.from({ length: 32 }, (_, n) => `scanner-${n}`);
  const { window, seen } = aWindow({ emit: "pass" }, { devices: names });
  for (const device of [31, 0, 17]) window.admit(aRead("A"), device, 0, wall);
  window.close(1, wall);
  expect(seen).toMatchObject([{ device: "scanner-31", devices: ["scanner-0", "scanner-17", "scanner-31"] }]);
});

test("a read point with more devices than bits is a programmer's error", () => {
  const { window } = aWindow();
  const names = Array.from({ length: 33 }, (_, n) => `scanner-${n}`);
  expect(() => aWindow({}, { devices: names })).toThrow("Broken assumption");
  expect(unaccounted(window)).toBe(0);
});

test("passes are numbered over all read points by whoever hands out the numbers", () => {
  const ids: string[] = [];
  let passNumber = 40;
  const points = ["tunnel-1", "tunnel-2"].map((readPoint) =>
    createWindow({
      settings: someSettings(),
      readPoint,
      devices: ["scanner-1"],
      clock: { boot: "aaaaaaaa" },
      nextPassNumber: () => ++passNumber,
      observe: (one) => one.kind !== "no-read" && ids.push(`${one.readPoint} ${one.passId}`),
      tell: () => undefined,
    }),
  );
  for (const window of points) window.admit(aRead("A"), 0, 0, wall);
  expect(ids).toEqual(["tunnel-1 aaaaaaaa-41", "tunnel-2 aaaaaaaa-42"]);
});

test("a pass number is told whole, however large, also at the end of its pass", () => {
  const numbers = [7, 999, 1_000, 1_001, 1_000_000, 12_345_067, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1_005, 9e15 + 12];
  let taken = 0;
  const { window, seen } = aWindow({ emit: "both" }, { nextPassNumber: () => numbers[taken++]! });
  const ids: (string | undefined)[] = [];
  for (const [index] of numbers.entries()) {
    window.admit(aRead(`A${index}`), 0, index * 100, wall);
    window.sweep(index * 100 + 100, wall);
    ids.push(...seen.splice(0).map((one) => ("passId" in one ? one.passId : undefined)));
  }
  expect(ids).toEqual(numbers.flatMap((number) => [`9f0c3a1e-${number}`, `9f0c3a1e-${number}`]));
});

test.each([1, 8, 9, 16, 17, 32])("a summary names the first and the last of %i devices", (deviceCount) => {
  const names = Array.from({ length: deviceCount }, (_, n) => `scanner-${n + 1}`);
  const { window, seen } = aWindow({ emit: "pass" }, { devices: names });
  window.admit(aRead("A"), deviceCount - 1, 0, wall);
  window.admit(aRead("A"), 0, 1, wall + 1);
  window.sweep(200, wall + 200);
  expect(seen).toMatchObject([{ device: names.at(-1), devices: [...new Set([names[0], names.at(-1)])] }]);
});
