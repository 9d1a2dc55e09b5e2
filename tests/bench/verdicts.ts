import { shown, table } from "./report.ts";
import type { Bounds, Found, Scenario } from "./scenario.ts";
import { scenarios } from "./scenarios.ts";

export type Verdict = "holds" | "goal missed" | "FLOOR MISSED" | "not measured" | "not in the product";

/** A scenario with what was measured of it; `measured` is not a number where nothing was. */
export interface Judged extends Bounds {
  readonly id: string;
  readonly scenario: string;
  readonly unit: string;
  readonly measured: number;
  readonly verdict: Verdict;
  readonly note?: string;
}

function verdictOf(measured: number, { isAbsent, direction, floor, goal }: Scenario): Verdict {
  if (isAbsent === true) return "not in the product";
  if (Number.isNaN(measured)) return "not measured";
  const isReached = (bound: number | undefined): boolean =>
    bound === undefined || (direction === "at least" ? measured >= bound : measured <= bound);
  if (!isReached(floor)) return "FLOOR MISSED";
  return isReached(goal) ? "holds" : "goal missed";
}

/** Holds a report against floors and goals: one verdict for each scenario, in their order, also for what is missing. */
export function judge(found: Found, entries: readonly Scenario[] = scenarios): Judged[] {
  return entries.map((entry) => {
    const { id, words, unit, direction, floor, goal, note, value } = entry;
    const measured = value?.(found) ?? Number.NaN;
    return {
      ...{ id, scenario: words, unit, direction, measured, verdict: verdictOf(measured, entry) },
      ...(floor === undefined ? {} : { floor }),
      ...(goal === undefined ? {} : { goal }),
      ...(note === undefined ? {} : { note }),
    };
  });
}

/** The verdicts as a Markdown table with bounds and their direction; below it how many there are of each, and notes. */
export function verdictText(judged: readonly Judged[]): string {
  const rows = judged.map(({ id, scenario, unit, direction, measured, floor, goal, verdict }) => {
    const bound = (value: number | undefined): string =>
      value === undefined ? "-" : `${direction === "at least" ? "≥" : "≤"} ${shown(value)}`;
    const value = Number.isNaN(measured) ? "-" : `${shown(measured)} ${unit}`;
    return [id, scenario, value, bound(floor), bound(goal), verdict];
  });
  const counts = new Map<Verdict, number>();
  for (const { verdict } of judged) counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  return [
    table(["id", "scenario", "measured", "floor", "goal", "verdict"], rows),
    "",
    `${[...counts].map(([verdict, count]) => `${verdict}: ${count}`).join(", ")}. "The script" is the afternoon script.`,
    ...judged.flatMap(({ id, note }) => (note === undefined ? [] : [`- ${id}: ${note}.`])),
  ].join("\n");
}
