/** One figure of one contender: all rounds of it. */
export interface Figure {
  readonly scenario: string;
  readonly contender: string;
  readonly unit: string;
  readonly values: number[];
}

/** What a run found, in the order in which it was measured. */
export interface Report {
  add(scenario: string, contender: string, unit: string, value: number): void;
  figures(): readonly Figure[];
  median(scenario: string, contender: string): number;
}

export function median(values: readonly number[]): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}

export function createReport(): Report {
  const figures = new Map<string, Figure>();
  return {
    add(scenario, contender, unit, value) {
      const key = `${scenario}\n${contender}`;
      const figure = figures.get(key) ?? { scenario, contender, unit, values: [] };
      figure.values.push(value);
      figures.set(key, figure);
    },
    figures: () => [...figures.values()],
    median: (scenario, contender) => median(figures.get(`${scenario}\n${contender}`)?.values ?? []),
  };
}

/** A number with three digits that count. */
export function shown(value: number): string {
  if (!Number.isFinite(value)) return "-";
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString("en-GB");
  return String(Number(value.toPrecision(3)));
}

/** Contenders of a scenario as lines of a table: median, spread, and how many times the first (the baseline) that is. */
export function rowsOf(report: Report): string[][] {
  const baselines = new Map<string, number>();
  return report.figures().map(({ scenario, contender, unit, values }) => {
    const middle = median(values);
    const baseline = baselines.get(scenario);
    if (baseline === undefined) baselines.set(scenario, middle);
    return [
      scenario,
      contender,
      shown(middle),
      unit,
      `${shown(Math.min(...values))} to ${shown(Math.max(...values))}`,
      baseline === undefined ? "baseline" : `${shown(middle / baseline)} ×`,
    ];
  });
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  return [line(head), `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`, ...rows.map(line)].join("\n");
}
