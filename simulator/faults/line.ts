import { createLineBarcodeProfile } from "../../drivers/profiles/line-barcode/profile.ts";
import { recallPasses } from "../../src/dedup/index.ts";
import { type ReadPointSettings, readPointSettings } from "../../src/dedup/settings.ts";
import { createGuard, createTokenKeys } from "../../src/guard/index.ts";
import { carrierNames, guardSettings } from "../../src/guard/settings.ts";
import { latin1 } from "../../src/lib/bytes.ts";
import type { Clock } from "../../src/lib/clock.ts";
import type { ClearedEvent } from "../../src/model/event.ts";
import type { Claim } from "../../src/model/read.ts";
import { createPipeline, type Pipeline } from "../../src/pipeline.ts";
import type { Counters, LedgerOpened } from "../../src/workers/index.ts";
import { createPassModel, type PassModel } from "./passes.ts";
import type { Plan, PointPlan } from "./plan.ts";
import type { Truth } from "./truth.ts";

/** A read that reached the window of one run. */
export interface Delivered {
  readonly run: number;
  readonly point: string;
  readonly device: number;
  readonly code: string;
  readonly atMs: number;
}

export interface LineOptions {
  readonly run: number;
  readonly plan: Plan;
  readonly truth: Truth;
  readonly opened: LedgerOpened;
  readonly clock: Clock;
  /** Simulated time, which goes on over all runs. */
  readonly nowMs: () => number;
  /** Breaks the settings of a read point on purpose. */
  readonly breakPoint: ((point: PointPlan) => PointPlan) | undefined;
  readonly heard: (read: Delivered) => void;
  readonly append: (event: ClearedEvent) => void;
}

/** The pipeline of one run, and beside its window the model, which gets the same reads. */
export interface Line {
  readonly pipeline: Pipeline;
  readonly model: PassModel;
  /** When a device first said something that was understood. */
  firstHeardMs(device: number): number | undefined;
  /** What stands in checkpoints; judged on the way. */
  counters(): Counters;
}

/** More than a history brings; the memory of a whole window would take longer to set aside than the history to live. */
const passesMax = 4_096;

function settingsOf({ plan, breakPoint }: LineOptions): ReadPointSettings[] {
  return plan.points.map((point) => {
    const { name, departMs, passMaxMs, emit, readsMin } = breakPoint?.(point) ?? point;
    return readPointSettings.parse({ name, depart_ms: departMs, pass_max_ms: passMaxMs, emit, reads_min: readsMin });
  });
}

export function openLine(options: LineOptions): Line {
  const { run, plan, truth, opened, clock, nowMs, heard, append } = options;
  const readPoints = settingsOf(options);
  const recalled = recallPasses(opened.remembered, opened.lastAt, readPoints);
  const codes = recalled.map(({ readPoint, pass }) => `${readPoint} ${latin1(pass.code)}`);
  const model = createPassModel(plan.points, new Set(codes), truth);
  const firstHeardMs: (number | undefined)[] = [];
  truth.trace.add(`run ${run} opened at ${opened.sequence}, ${recalled.length} passes go on`);

  function claimed(device: number, made: Claim, claim: (claim: Claim) => void): void {
    if (made.kind !== "malformed") firstHeardMs[device] ??= nowMs();
    if (made.kind !== "read") {
      claim(made);
      return;
    }
    const { point } = plan.devices[device]!;
    const code = latin1(made.bytes, made.start, made.end);
    heard({ run, point, device, code, atMs: nowMs() });
    model.read(point, code, clock.monotonicMs());
    claim(made);
    model.readDone();
  }

  const pipeline = createPipeline({
    readPoints,
    devices: plan.devices.map(({ name, point }, index) => {
      const profile = createLineBarcodeProfile();
      const decodeFrame: typeof profile.decodeFrame = (bytes, start, end, claim) =>
        profile.decodeFrame?.(bytes, start, end, (made) => claimed(index, made, claim));
      return { name, readPoint: point, profile: { ...profile, decodeFrame } };
    }),
    guard: createGuard({
      settings: guardSettings.parse({ carriers: carrierNames }),
      tokens: createTokenKeys(clock.wallMs),
    }),
    boot: clock.boot,
    isClockSynchronized: () => true,
    accept(event) {
      tellModel(model, event, clock.monotonicMs());
      append(event);
    },
    recalled,
    tell: () => {},
    passesMax,
  });
  return {
    pipeline,
    model,
    firstHeardMs: (device) => firstHeardMs[device],
    counters: () => countersOf(pipeline, model, options),
  };
}

function tellModel(model: PassModel, { kind, subject, data }: ClearedEvent, nowMs: number): void {
  const { code, codeClass, closeReason, readCount } = data;
  if ((kind !== "read" && kind !== "pass") || typeof code !== "string") return;
  const told = {
    kind,
    point: subject ?? "",
    code: codeClass === "sscc" ? `00${code}` : code,
    closeReason: closeReason as string | undefined,
    readCount: readCount as number | undefined,
  };
  model.told(told, nowMs);
}

/** As `src/gateway.ts` does it. */
function countersOf(pipeline: Pipeline, model: PassModel, { plan, truth, run }: LineOptions): Counters {
  const sums = { reads: 0, opened: 0, suppressed: 0, pending: 0, noReads: 0, refusedRssi: 0, refusedReadsMin: 0 };
  for (const { name } of plan.points) {
    const counters = pipeline.readPointCounters(name);
    sums.reads += counters.reads;
    sums.opened += counters.opened;
    sums.suppressed += counters.suppressed;
    sums.pending += counters.pending;
    sums.noReads += counters.noReads;
    sums.refusedRssi += counters.refused.rssi;
    sums.refusedReadsMin += counters.refused.readsMin;
  }
  const known = sums.opened + sums.suppressed + sums.pending + sums.refusedRssi + sums.refusedReadsMin;
  // The model counts a read before the window has it.
  if (sums.reads !== known || Math.abs(sums.reads - model.readCount()) > 1)
    truth.violate("conservation", `run ${run}: ${JSON.stringify(sums)}, the model has ${model.readCount()} reads`);
  return sums;
}
