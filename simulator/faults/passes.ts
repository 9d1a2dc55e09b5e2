import type { PointPlan } from "./plan.ts";
import type { Truth } from "./truth.ts";

/** What a cleared event says of a pass. */
export interface ToldPass {
  readonly kind: "read" | "pass";
  readonly point: string;
  readonly code: string;
  readonly closeReason: string | undefined;
  readonly readCount: number | undefined;
}

/** What the reads of one run must lead to: the definition of a pass, written as plainly as it can be said. */
export interface PassModel {
  /** A read reached the window. To be called before the window has it. */
  read(point: string, code: string, nowMs: number): void;
  /** The window has had the read. */
  readDone(): void;
  told(pass: ToldPass, nowMs: number): void;
  readCount(): number;
  /** The run was stopped properly: nothing may be left untold. */
  stopped(): void;
}

interface Followed {
  readonly firstMs: number;
  lastMs: number;
  count: number;
  /** Events of it, told or due. */
  isFirstTold: boolean;
  isSummaryTold: boolean;
  /**
   * The code was there in the run before. Its time to depart begins anew when its scanner is heard first, so reads alone
   * do not tell where its passes end; that none is told twice is judged elsewhere.
   */
  readonly isRecalled: boolean;
}

/** Makes the model of one run; `recalled` are the codes that the run goes on with, by read point. */
export function createPassModel(points: readonly PointPlan[], recalled: ReadonlySet<string>, truth: Truth): PassModel {
  const plans = new Map(points.map((point) => [point.name, point]));
  /** Of each code the pass that goes on, and the one before. */
  const passes = new Map<string, Followed[]>();
  let due: { pass: Followed; key: string; wantsFirst: boolean } | undefined;
  let readCount = 0;

  const isReal = (pass: Followed, plan: PointPlan): boolean => pass.count >= plan.readsMin;

  function read(point: string, code: string, nowMs: number): void {
    readCount += 1;
    const plan = plans.get(point)!;
    const key = `${point} ${code}`;
    const known = passes.get(key) ?? [];
    let pass = known.at(-1);
    if (pass === undefined || nowMs - pass.lastMs >= plan.departMs) {
      const isRecalled = recalled.has(key);
      pass = { firstMs: nowMs, lastMs: nowMs, count: 0, isFirstTold: false, isSummaryTold: false, isRecalled };
      passes.set(key, [...known, pass]);
    }
    pass.lastMs = nowMs;
    pass.count += 1;
    due = { pass, key, wantsFirst: plan.emit !== "pass" && pass.count === plan.readsMin };
  }

  function readDone(): void {
    if (due?.wantsFirst === true && !due.pass.isFirstTold && !due.pass.isRecalled)
      truth.violate("one-event", `a new pass of ${due.key} has no event`);
    due = undefined;
  }

  function told({ kind, point, code, closeReason, readCount }: ToldPass, nowMs: number): void {
    const plan = plans.get(point)!;
    const key = `${point} ${code}`;
    const known = passes.get(key) ?? [];
    if (known.length === 0 && recalled.has(key)) return;
    if (kind === "read") {
      const pass = known.at(-1);
      if (pass?.isRecalled === true) return;
      if (pass === undefined || due?.pass !== pass || !due.wantsFirst || pass.isFirstTold)
        truth.violate("one-event", `a second event for one pass of ${key}`);
      else pass.isFirstTold = true;
      return;
    }
    const isOlder = (one: Followed): boolean => !one.isSummaryTold && isReal(one, plan);
    const pass = (closeReason === "departed" ? known.find(isOlder) : undefined) ?? known.at(-1);
    if (pass === undefined || pass.isRecalled) {
      if (pass !== undefined) pass.isSummaryTold = true;
      return;
    }
    if (!isReal(pass, plan) || pass.isSummaryTold) truth.violate("one-event", `a summary too many of ${key}`);
    pass.isSummaryTold = true;
    if (closeReason === "departed" && nowMs - pass.lastMs < plan.departMs)
      truth.violate("one-event", `${key} departed ${nowMs - pass.lastMs} ms after its last read`);
    if (closeReason === "stalled" && nowMs - pass.firstMs < plan.passMaxMs)
      truth.violate("one-event", `${key} stalled after ${nowMs - pass.firstMs} ms`);
    if (readCount !== pass.count) truth.violate("counts", `${key} was read ${pass.count} times, ${readCount} are told`);
  }

  return {
    read,
    readDone,
    told,
    readCount: () => readCount,
    stopped() {
      for (const [key, known] of passes)
        for (const pass of known) {
          const plan = plans.get(key.split(" ")[0]!)!;
          if (plan.emit !== "first" && isReal(pass, plan) && !pass.isSummaryTold && !pass.isRecalled)
            truth.violate("one-event", `a pass of ${key} has no summary although the gateway was stopped`);
        }
    },
  };
}
