import { announce, type ClearedEvent } from "../model/event.ts";
import type { EpochMs } from "../model/units.ts";
import type { Leak } from "./detect/leaks.ts";
import type { LabelFormat } from "./label/field.ts";

/** What was seen of the labels of one format since the start. */
export interface LabelTotal {
  readonly format: LabelFormat;
  readonly labelCount: number;
  /** Those that show core data of a person in clear. */
  readonly leakingCount: number;
}

/** Labels that showed core data since the start, of those who print them. */
export interface ShipperTotal {
  /** The beginning of their numbers; `other`, all that there was no room for; `none`, those without a number in clear. */
  readonly shipper: string;
  readonly leakingCount: number;
}

/** One label, as it is counted: nothing of what stands on it. */
export interface SeenLabel {
  readonly format: LabelFormat;
  /** The beginning of its number, which tells who prints such labels; absent if it has none that is cleared. */
  readonly shipper: string | undefined;
  readonly leaks: readonly Leak[];
}

/** Counts labels that show core data, so that whoever prints them can be told. */
export interface LabelCounts {
  note(label: SeenLabel, at: EpochMs): void;
  /** What was counted since the last report, as an event; undefined if there was no label. */
  report(at: EpochMs): ClearedEvent | undefined;
  totals(): readonly LabelTotal[];
  /** By who prints them: the first fifty apart. No count ever falls, and no label goes from one to another. */
  shippers(): readonly ShipperTotal[];
}

interface Row {
  readonly format: LabelFormat;
  readonly shipper: string | undefined;
  readonly kinds: readonly Leak[];
  count: number;
}

/** Rows of one report; further ones are counted together. */
const rowsMax = 50;

/** Shippers that are counted apart. */
const shippersMax = 50;

/** Counts what shippers print, in bounded memory. */
function createShippers() {
  const named = new Map<string, number>();
  let [other, none] = [0, 0];
  return {
    note(shipper: string | undefined): void {
      if (shipper === undefined) none += 1;
      else if (named.has(shipper) || named.size < shippersMax) named.set(shipper, (named.get(shipper) ?? 0) + 1);
      else other += 1;
    },
    totals(): readonly ShipperTotal[] {
      return [...named, ["other", other] as const, ["none", none] as const]
        .map(([shipper, leakingCount]) => ({ shipper, leakingCount }))
        .filter(({ leakingCount }) => leakingCount > 0);
    },
  };
}

/**
 * Cost:    O(1) a label; memory for fifty rows, fifty shippers, and one row for each format.
 */
export function createLabelCounts(): LabelCounts {
  const totals = new Map<LabelFormat, { labelCount: number; leakingCount: number }>();
  const shippers = createShippers();
  let rows = new Map<string, Row>();
  /** When the first label came since the last report. */
  let from: EpochMs | undefined;
  let labelCount = 0;
  let leakingCount = 0;
  let otherCount = 0;

  function noteLeaks({ format, shipper, leaks }: SeenLabel): void {
    leakingCount += 1;
    shippers.note(shipper);
    const key = `${format} ${shipper ?? ""} ${leaks.join()}`;
    const row = rows.get(key);
    if (row !== undefined) row.count += 1;
    else if (rows.size < rowsMax) rows.set(key, { format, shipper, kinds: leaks, count: 1 });
    else otherCount += 1;
  }

  return {
    note(label, at) {
      from ??= at;
      labelCount += 1;
      const total = totals.get(label.format) ?? { labelCount: 0, leakingCount: 0 };
      totals.set(label.format, total);
      total.labelCount += 1;
      if (label.leaks.length === 0) return;
      total.leakingCount += 1;
      noteLeaks(label);
    },
    report(now) {
      if (from === undefined) return undefined;
      const leaking = [...rows.values()]
        .sort((left, right) => right.count - left.count)
        .map(({ format, shipper, kinds, count }) => ({ format, ...(shipper && { shipper }), kinds, count }));
      const range = { from: new Date(from).toISOString(), to: new Date(now).toISOString() };
      const event = announce("audit", now, {
        action: "labels",
        ...range,
        labelCount,
        leakingCount,
        otherCount,
        leaking,
      });
      rows = new Map();
      from = undefined;
      labelCount = leakingCount = otherCount = 0;
      return event;
    },
    totals: () => [...totals].map(([format, counts]) => ({ format, ...counts })),
    shippers: shippers.totals,
  };
}
