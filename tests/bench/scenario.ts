import type { Report } from "./report.ts";

/** What a value is made of: medians by scenario and contender (not a number if never measured), and the machine. */
export interface Found {
  readonly median: Report["median"];
  readonly cores: number;
}

/** Where a value must lie; a target has no floor, and some scenarios state their floor and goal of different values. */
export interface Bounds {
  readonly direction: "at least" | "at most";
  readonly floor?: number;
  readonly goal?: number;
}

export interface Scenario extends Bounds {
  readonly id: string;
  readonly words: string;
  /** "×": times what it stands beside; "of 1": a part of what is possible. */
  readonly unit: "×" | "of 1" | "events/s" | "reads/s" | "ms" | "MB" | "lines" | "codes/s" | "%" | "% of a core";
  /** Absent: no value of this bench, for the reason in `note`. */
  readonly value?: (found: Found) => number;
  /** By design the product has no such thing, for the reason in `note`. */
  readonly isAbsent?: boolean;
  readonly note?: string;
}

/** How a value comes from a report, and in what unit. */
export type Valued = Pick<Scenario, "unit" | "value">;
type Goals = Omit<Bounds, "direction">;

export const atLeast = (bounds: Goals): Bounds => ({ direction: "at least", ...bounds });
export const atMost = (bounds: Goals): Bounds => ({ direction: "at most", ...bounds });

/** A median as it stands. */
export function plain(unit: Scenario["unit"], scenario: string, contender = "sortgate"): Valued {
  return { unit, value: ({ median }) => median(scenario, contender) };
}

/** A contender's median beside another's. */
export function ratio(scenario: string, contender: string, to: string): Valued {
  return {
    unit: "×",
    value: ({ median }) => {
      const base = median(scenario, to);
      return base > 0 ? median(scenario, contender) / base : Number.NaN;
    },
  };
}

/** The product beside another. */
export function beside(scenario: string, to = "afternoon script"): Valued {
  return ratio(scenario, "sortgate", to);
}

/** How much of a ceiling a scenario reaches. */
export function share(scenario: string, most: (median: Report["median"], cores: number) => number): Valued {
  return { unit: "of 1", value: ({ median, cores }) => median(scenario, "sortgate") / most(median, cores) };
}

/** A line of the table. */
export function scenario(id: string, words: string, valued: Valued, bounds: Bounds, note?: string): Scenario {
  return { id, words, ...valued, ...bounds, ...(note === undefined ? {} : { note }) };
}
