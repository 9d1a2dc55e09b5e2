import { describe, expect, it } from "vitest";
import { createStxEtxBarcodeProfile } from "../drivers/profiles/stx-etx-barcode/profile.ts";
import type { RecalledPass } from "../src/dedup/index.ts";
import { readPointSettings } from "../src/dedup/settings.ts";
import type { Profile } from "../src/driver/index.ts";
import { createGuard, createTokenKeys, type Guard } from "../src/guard/index.ts";
import { guardSettings } from "../src/guard/settings.ts";
import { bytesOf } from "../src/lib/bytes.ts";
import type { ClearedEvent } from "../src/model/event.ts";
import { limits } from "../src/model/limits.ts";
import { createPipeline, type Pipeline } from "../src/pipeline.ts";

const startMs = Date.parse("2026-11-23T03:10:00Z");
const at = (ms: number): { monotonicMs: number; wallMs: number } => ({ monotonicMs: ms, wallMs: startMs + ms });
const text = (value: string): { kind: "bytes"; bytes: Uint8Array } => ({ kind: "bytes", bytes: bytesOf(value) });
const framed = (code: string): string => `\x02${code}\x03`;
const waybill = "SF1385628716739";

interface Rig {
  readonly pipeline: Pipeline;
  readonly events: ClearedEvent[];
}

function aPipeline(
  keys: { emit?: string; unknown?: string; profiles?: Profile[]; recalled?: RecalledPass[]; guard?: Guard } = {},
): Rig {
  const events: ClearedEvent[] = [];
  const profiles = keys.profiles ?? [createStxEtxBarcodeProfile(), createStxEtxBarcodeProfile()];
  const pipeline = createPipeline({
    readPoints: [readPointSettings.parse({ name: "tunnel-1", emit: keys.emit ?? "first" })],
    devices: profiles.map((profile, index) => ({ name: `scanner-${index + 1}`, readPoint: "tunnel-1", profile })),
    guard:
      keys.guard ??
      createGuard({
        settings: guardSettings.parse({ carriers: ["sf"], unknown: keys.unknown ?? "token" }),
        tokens: createTokenKeys(() => startMs),
      }),
    boot: "9f0c3a1e",
    isClockSynchronized: () => true,
    accept: (event) => events.push(event),
    recalled: keys.recalled ?? [],
    tell: () => {},
  });
  return { pipeline, events };
}

describe("the pipeline", () => {
  it("makes one cleared event of all reads of a parcel by all devices of its read point", () => {
    const { pipeline, events } = aPipeline();
    pipeline.receive(0, text(framed(waybill).repeat(3)), at(0));
    pipeline.receive(1, text(framed(waybill)), at(120));
    expect(events.map(({ kind, subject, data }) => [kind, subject, data.code, data.device])).toEqual([
      ["read", "tunnel-1", waybill, "scanner-1"],
    ]);
    expect(events[0]!.data.clock).toEqual({ boot: "9f0c3a1e", monotonicMs: 0, synced: true });
    expect(pipeline.readPointCounters("tunnel-1")).toMatchObject({ reads: 4, opened: 1, suppressed: 3 });
  });

  it("tells the parcel again when it comes back after it departed", () => {
    const { pipeline, events } = aPipeline({ emit: "both" });
    pipeline.receive(0, text(framed(waybill)), at(0));
    pipeline.sweep(at(600));
    pipeline.receive(0, text(framed(waybill)), at(700));
    pipeline.close(at(800));
    expect(events.map(({ kind, data }) => [kind, data.closeReason])).toEqual([
      ["read", undefined],
      ["pass", "departed"],
      ["read", undefined],
      ["pass", "shutdown"],
    ]);
    expect(events[0]!.data.passId).toBe(events[1]!.data.passId);
    expect(events[2]!.data.passId).not.toBe(events[1]!.data.passId);
  });

  it("tells every no-read", () => {
    const { pipeline, events } = aPipeline();
    pipeline.receive(0, text(framed("NoRead").repeat(2)), at(0));
    expect(events.map(({ kind }) => kind)).toEqual(["noread", "noread"]);
    expect(pipeline.deviceCounters(0)).toMatchObject({ noReadCount: 2, readCount: 0, heardAt: 0 });
  });

  it("puts frames together that came in pieces, but never across a broken stream", () => {
    const { pipeline, events } = aPipeline();
    for (const character of framed(waybill)) pipeline.receive(0, text(character), at(1));
    expect(events).toHaveLength(1);
    pipeline.receive(0, text("\x02SF1111"), at(2));
    pipeline.receive(0, { kind: "break" }, at(3));
    pipeline.receive(0, text("111111111\x03"), at(4));
    expect(events).toHaveLength(1);
    expect(pipeline.deviceCounters(0).discardedByteCount).toBe(7 + 10);
  });

  it("counts what the guard drops, and lets nothing of it out", () => {
    const { pipeline, events } = aPipeline({ unknown: "drop" });
    pipeline.receive(0, text(framed("Zhang San 13812345678")), at(0));
    expect(events).toEqual([]);
    expect(pipeline.readPointCounters("tunnel-1")).toMatchObject({ opened: 1, droppedUnknownCount: 1 });
  });

  it("R39 overwrites what it was given, and the copies that it made of it", () => {
    const codes: Uint8Array[] = [];
    const guard = createGuard({ settings: guardSettings.parse({}), tokens: createTokenKeys(() => startMs) });
    const watched: Guard = {
      ...guard,
      clear(observation, ...rest) {
        if ("code" in observation) codes.push(observation.code);
        return guard.clear(observation, ...rest);
      },
    };
    const { pipeline } = aPipeline({ guard: watched });
    const whole = bytesOf(framed("Zhang San 13812345678"));
    pipeline.receive(0, { kind: "bytes", bytes: whole }, at(0));
    const halves = [bytesOf("\x02Li Si 139"), bytesOf("12345678\x03")];
    for (const bytes of halves) pipeline.receive(0, { kind: "bytes", bytes }, at(1));
    expect(codes).toHaveLength(2);
    for (const bytes of [whole, ...halves, ...codes]) expect([...bytes].every((byte) => byte === 0)).toBe(true);
    expect(pipeline.readPointCounters("tunnel-1").opened).toBe(2);
  });

  it("R53 tells once a day, and at the end, what labels showed", () => {
    const { pipeline, events } = aPipeline({ unknown: "drop" });
    const label = () => text(framed("Zhang San 13812345678"));
    const hourMs = 3_600_000;
    pipeline.sweep(at(0));
    pipeline.receive(0, label(), at(1));
    pipeline.sweep(at(20 * hourMs));
    expect(events).toEqual([]);
    pipeline.sweep(at(21 * hourMs));
    pipeline.receive(0, label(), at(21 * hourMs + 1));
    pipeline.receive(0, text(framed("Li Si 13912345678")), at(21 * hourMs + 2));
    pipeline.close(at(22 * hourMs));
    pipeline.close(at(23 * hourMs));
    expect(events.map(({ kind, data }) => [kind, data.action, data.leakingCount])).toEqual([
      ["audit", "labels", 1],
      ["audit", "labels", 2],
    ]);
    expect(pipeline.labelTotals()).toEqual([{ format: "text", labelCount: 3, leakingCount: 3 }]);
  });

  it("R53 tells nothing at its first look, though labels came before it", () => {
    const { pipeline, events } = aPipeline({ unknown: "drop" });
    pipeline.receive(0, text(framed("Zhang San 13812345678")), at(0));
    pipeline.sweep(at(1));
    expect(events).toEqual([]);
    pipeline.sweep(at(24 * 3_600_000));
    expect(events.map(({ data }) => data.leakingCount)).toEqual([1]);
  });

  it("tells a loss that the source reports as a gap event", () => {
    const gap: Profile = {
      name: "gap",
      medium: "barcode",
      decodeValues: (_values, claim) => claim({ kind: "source-gap", reason: "sequence", count: 3 }),
    };
    const { pipeline, events } = aPipeline({ profiles: [gap] });
    pipeline.receive(0, { kind: "values", values: {} }, at(5));
    expect(events).toMatchObject([
      { kind: "gap", subject: "scanner-1", data: { reason: "source-sequence", count: 3, device: "scanner-1" } },
    ]);
  });
});

describe("a pass that was open when the daemon stopped", () => {
  const open = (device = "scanner-1"): RecalledPass => ({
    readPoint: "tunnel-1",
    pass: {
      code: bytesOf(waybill),
      passId: "1b2c3d4e-7",
      device,
      medium: "barcode",
      symbology: undefined,
      firstReadAt: startMs - 1_000,
      stalled: false,
    },
  });
  const told = (events: readonly ClearedEvent[]): unknown[] =>
    events.filter(({ kind }) => kind !== "noread").map(({ kind, data }) => [kind, data.passId]);
  /** Sweeps as often as the daemon does, from one time to another. */
  const sweep = (pipeline: Pipeline, from: number, to: number): void => {
    for (let ms = from; ms <= to; ms += 20) pipeline.sweep(at(ms));
  };

  it("is not told again, however long its device is silent before it reads again", () => {
    const { pipeline, events } = aPipeline({ emit: "both", recalled: [open()] });
    pipeline.up(0, at(0));
    sweep(pipeline, 0, 9_000);
    pipeline.receive(0, text(framed(waybill)), at(9_000));
    sweep(pipeline, 9_000, 9_700);
    expect(told(events)).toEqual([["pass", "1b2c3d4e-7"]]);
  });

  it.each([
    ["a no-read", framed("NoRead")],
    ["a read of another code", framed("SF1385628716740")],
  ])("begins to depart with the first word of a device, be it %s", (_word, bytes) => {
    const { pipeline, events } = aPipeline({ recalled: [open()] });
    pipeline.up(0, at(0));
    sweep(pipeline, 0, 5_000);
    pipeline.receive(0, text(bytes), at(5_000));
    sweep(pipeline, 5_000, 5_400);
    pipeline.receive(0, text(framed(waybill)), at(5_400));
    expect(events.filter(({ data }) => data.code === waybill)).toEqual([]);
    sweep(pipeline, 5_400, 6_000);
    pipeline.receive(0, text(framed(waybill)), at(6_000));
    expect(events.filter(({ data }) => data.code === waybill)).toHaveLength(1);
  });

  it("departs after a grace if its device says nothing: the same parcel is a new pass later", () => {
    const { pipeline, events } = aPipeline({ emit: "both", recalled: [open()] });
    pipeline.up(0, at(0));
    pipeline.up(0, at(8_000));
    sweep(pipeline, 0, limits.restoreGraceMs + 600);
    expect(told(events)).toEqual([["pass", "1b2c3d4e-7"]]);
    pipeline.receive(0, text(framed(waybill)), at(limits.restoreGraceMs + 1_000));
    expect(told(events)).toHaveLength(2);
    expect(told(events)[1]).not.toEqual(["read", "1b2c3d4e-7"]);
  });

  it("is not told again by another device of its read point, nor by its own that comes up much later", () => {
    const { pipeline, events } = aPipeline({ recalled: [open("scanner-2")] });
    pipeline.up(0, at(0));
    sweep(pipeline, 0, 1_000);
    pipeline.receive(0, text(framed(waybill)), at(1_000));
    sweep(pipeline, 1_000, 60_000);
    pipeline.up(1, at(60_000));
    sweep(pipeline, 60_000, 65_000);
    pipeline.receive(1, text(framed(waybill)), at(65_000));
    expect(told(events)).toEqual([]);
  });

  it("is summed up once, though its own device comes up when it has departed already", () => {
    const { pipeline, events } = aPipeline({ emit: "both", recalled: [open("scanner-2")] });
    pipeline.up(0, at(0));
    pipeline.receive(0, text(framed("NoRead")), at(100));
    sweep(pipeline, 100, 2_000);
    expect(told(events)).toEqual([["pass", "1b2c3d4e-7"]]);
    pipeline.up(1, at(3_000));
    pipeline.receive(1, text(framed(waybill)), at(3_000));
    sweep(pipeline, 3_000, 5_000);
    pipeline.close(at(5_000));
    expect(told(events)).toEqual([["pass", "1b2c3d4e-7"]]);
  });

  it("keeps apart from a later pass of the same code that another device read meanwhile", () => {
    const { pipeline, events } = aPipeline({ emit: "both", recalled: [open("scanner-2")] });
    pipeline.up(0, at(0));
    pipeline.receive(0, text(framed("NoRead")), at(100));
    sweep(pipeline, 100, 2_000);
    pipeline.receive(0, text(framed(waybill)), at(2_000));
    pipeline.up(1, at(2_200));
    pipeline.receive(1, text(framed(waybill)), at(2_200));
    sweep(pipeline, 2_200, 5_000);
    const ids = told(events).map((one) => (one as [string, string])[1]);
    expect(told(events).map((one) => (one as [string, string])[0])).toEqual(["pass", "read", "pass"]);
    expect(ids[0]).toBe("1b2c3d4e-7");
    expect(ids[1]).toBe(ids[2]);
    expect(ids[1]).not.toBe(ids[0]);
  });

  it("is summed up at a stop even if no device ever spoke", () => {
    const { pipeline, events } = aPipeline({ emit: "both", recalled: [open()] });
    pipeline.close(at(100));
    expect(events).toMatchObject([{ kind: "pass", data: { passId: "1b2c3d4e-7", closeReason: "shutdown" } }]);
  });
});
