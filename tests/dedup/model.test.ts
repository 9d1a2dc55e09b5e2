import fc from "fast-check";
import { expect, test } from "vitest";
import type { DedupWindow, WindowOptions } from "../../src/dedup/index.ts";
import { drawKeys } from "../../src/dedup/ring/hash.ts";
import type { ReadPointSettings } from "../../src/dedup/settings.ts";
import { bytesOf, latin1 } from "../../src/lib/bytes.ts";
import { limits } from "../../src/model/limits.ts";
import type { Observation, Pass } from "../../src/model/observation.ts";
import { aRead, aWindow, devices, someSettings, unaccounted } from "./builders.ts";
import { createReference } from "./reference.ts";

type Target = Pick<DedupWindow, "admit" | "noRead" | "sweep" | "restore" | "close">;
type Step = (target: Target, nowMs: number, wallMs: number) => unknown;

/** Codes that tempt to be taken for each other: same length, one byte apart at either end or inside. */
function alike(length: number): string[] {
  const places = [0, length >> 1, length - 1];
  return ["x".repeat(length), ...places.map((at) => `${"x".repeat(at)}y${"x".repeat(length - 1 - at)}`)];
}

/** Of lengths around every border of words and blocks. */
const shortCodes = ["", "A", "B", "AA", "SF1385628716739", "SF1385628716738"].concat(
  [7, 8, 9, 16, 17, 31, 32, 33, 48, 49].flatMap(alike),
);
const codes = [...shortCodes, ...[64, 65, limits.codeBytesMax].flatMap(alike)];

const readStep = (codes: readonly string[]) =>
  fc
    .record({
      code: fc.constantFrom(...codes),
      device: fc.nat(devices.length - 1),
      medium: fc.constantFrom("barcode" as const, "rfid" as const),
      symbology: fc.constantFrom(undefined, "]C1", "]d2"),
      antenna: fc.option(fc.integer({ min: -1, max: 10 }), { nil: undefined }),
      rssiDbm: fc.constantFrom(undefined, -80, -65, -64.25, -40),
    })
    .map(
      ({ code, device, ...rest }): Step =>
        (target, nowMs, wallMs) => {
          const read = aRead(code, rest);
          const admission = target.admit(read, device, nowMs, wallMs);
          read.bytes.fill(0x2a);
          return admission;
        },
    );
const noReadStep = fc.nat(devices.length - 1).map(
  (device): Step =>
    (target, nowMs, wallMs) =>
      target.noRead(device, "barcode", nowMs, wallMs),
);
const sweepStep = fc.constant<Step>((target, nowMs, wallMs) => target.sweep(nowMs, wallMs));
const restoreStep = (codes: readonly string[]) =>
  fc
    .record({ code: fc.constantFrom(...codes), stalled: fc.boolean(), device: fc.constantFrom("scanner-2", "gone-1") })
    .map(
      ({ code, stalled, device }): Step =>
        (target, nowMs, wallMs) => {
          const rest = { medium: "rfid", symbology: undefined, firstReadAt: wallMs - 70, stalled } as const;
          target.restore({ code: bytesOf(code), passId: `0badc0de-${code.length}`, device, ...rest }, nowMs);
        },
    );

const history = (codes: readonly string[]) =>
  fc.array(
    fc.record({
      act: fc.oneof(
        { weight: 20, arbitrary: readStep(codes) },
        { weight: 4, arbitrary: sweepStep },
        { weight: 1, arbitrary: noReadStep },
        { weight: 1, arbitrary: restoreStep(codes) },
      ),
      /** `depart_ms` is 100: just before, just then, just after, long after, and backwards. */
      stepMs: fc.constantFrom(0, 0, 0, 0.25, 1, 5, 20, 60, 99.75, 100, 100.25, 301, 5_000, 1e7, 2 ** 33, -3),
      wallJumpMs: fc.constantFrom(0, 0, 0, 86_400_000, -86_400_000),
    }),
    { maxLength: 300, size: "max" },
  );

const settings = fc
  .record({
    emit: fc.constantFrom("first" as const, "pass" as const, "both" as const),
    reads_min: fc.constantFrom(1, 1, 2, 3),
    rssi: fc.constantFrom(undefined, -65),
  })
  .map(
    ({ rssi, ...rest }): Partial<ReadPointSettings> => (rssi === undefined ? rest : { ...rest, rssi_min_dbm: rssi }),
  );

/** Codes depart in one order in the ring and in another in a Map; per code, and for no-reads, the order counts. */
function perCode(observations: readonly Observation[]): Map<string, object[]> {
  const sorted = new Map<string, object[]>();
  for (const observation of observations) {
    const key = observation.kind === "no-read" ? "no-read" : `code ${latin1(observation.code)}`;
    sorted.set(key, [...(sorted.get(key) ?? []), plain(observation)]);
  }
  return sorted;
}

/** The code as text, which also takes a copy of it at once; `lastReadAt` is told to within 5 ms and looked at apart. */
function plain(observation: Observation): object {
  if (observation.kind === "no-read") return observation;
  return { ...observation, code: latin1(observation.code), lastReadAt: undefined };
}

function lastReadsAt(observations: readonly Observation[]): Map<string, number> {
  return new Map(observations.flatMap((one) => (one.kind === "pass" ? [[keyOf(one), one.lastReadAt] as const] : [])));
}

function keyOf({ code, monotonicMs, readCount }: Pass): string {
  return `${latin1(code)} ${monotonicMs} ${readCount}`;
}

function agree(
  keys: Partial<ReadPointSettings>,
  steps: ReturnType<typeof history> extends fc.Arbitrary<infer T> ? T : never,
  options: Partial<WindowOptions> = {},
) {
  const { window, seen } = aWindow(keys, options);
  const expected: Observation[] = [];
  const reference = createReference(someSettings(keys), devices, (observation) => expected.push(observation));
  let nowMs = 1_000;
  let wallMs = 1.7e12;
  for (const { act, stepMs, wallJumpMs } of steps) {
    nowMs += stepMs;
    wallMs += stepMs + wallJumpMs;
    expect(act(window, nowMs, wallMs)).toEqual(act(reference, nowMs, wallMs));
    expect(unaccounted(window)).toBe(0);
  }
  window.sweep(nowMs, wallMs);
  reference.sweep(nowMs, wallMs);
  expect(window.counters().live).toBe(reference.liveCount());
  window.close(nowMs + 50, wallMs);
  reference.close(nowMs + 50, wallMs);
  expect(perCode(seen)).toEqual(perCode(expected));
  const given = lastReadsAt(seen);
  for (const [key, at] of lastReadsAt(expected)) expect(Math.abs(given.get(key)! - at)).toBeLessThanOrEqual(5);
  expect(window.counters()).toMatchObject({ live: 0, pending: 0, evicted: 0 });
  expect(unaccounted(window)).toBe(0);
}

test("the window observes what a plain Map of passes observes, whatever happens", () => {
  fc.assert(
    fc.property(settings, history(codes), (keys, steps) => agree(keys, steps)),
    { numRuns: 200 },
  );
}, 120_000);

/** All codes on one place of the table; all codes in a small table, so that they are neighbours, also around its end. */
const crowds: readonly Partial<WindowOptions>[] = [
  { hashKeys: { ...drawKeys(), factor: 0 } },
  { passesMax: shortCodes.length },
];

test("codes whose hashes are the same or close are never merged and never lost", () => {
  fc.assert(fc.property(settings, history(shortCodes), fc.constantFrom(...crowds), agree), { numRuns: 150 });
}, 120_000);
