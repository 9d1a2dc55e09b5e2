import type Database from "better-sqlite3";
import { type LeftHashes, packLeft } from "./damage/intact.ts";
import type { Range } from "./range-set.ts";

/** An event that is erased, and what is left of it. */
export interface Erased {
  readonly sequence: number;
  readonly left: LeftHashes;
}

/** How many events were destroyed, by reason. */
export type DestroyedCounts = { readonly [reason: string]: number };

/** Places of erased events, and what became of all events that were ever made: made = live + destroyed by reason. */
export interface ErasedRows {
  /** How many erased ones have their place on disk, up to this one. Cost: O(answer); of all of them it is remembered. */
  count(to?: number): number;
  /** Which of [from, to] are erased, as ranges. Nothing else may be asked of the ledger until the last one was taken. */
  ranges(from: number, to: number): Iterable<Range>;
  destroyed(): DestroyedCounts;
  /** Erases events, within a transaction. */
  erase(events: readonly Erased[]): void;
  /** Others may be there now. */
  changed(): void;
  /** Counts what is destroyed, before it is, within a transaction. */
  add(counts: DestroyedCounts): void;
}

export function createErasedRows(database: Database.Database): ErasedRows {
  const count = database.prepare("SELECT count(*) FROM event WHERE kind = 'erased' AND sequence <= ?").pluck();
  const places = database
    .prepare("SELECT sequence FROM event WHERE kind = 'erased' AND sequence BETWEEN ? AND ? ORDER BY sequence")
    .pluck();
  const first = database.prepare("SELECT coalesce((SELECT min(sequence) FROM event), 1)").pluck();
  const get = database.prepare("SELECT destroyed FROM chain").pluck();
  const put = database.prepare("UPDATE chain SET destroyed = ?");
  const erase = database.prepare(
    "UPDATE event SET kind = 'erased', subject = NULL, at = 0, bytes = ? WHERE sequence = ? AND kind <> 'erased'",
  );

  let total: number | undefined;

  function destroyed(): DestroyedCounts {
    const text = get.get() as string | null | undefined;
    if (typeof text === "string") return JSON.parse(text) as DestroyedCounts;
    const earlier = (first.get() as number) - 1;
    return earlier > 0 ? { earlier } : {};
  }

  return {
    count(to) {
      if (to !== undefined) return count.get(to) as number;
      total ??= count.get(Number.MAX_SAFE_INTEGER) as number;
      return total;
    },
    *ranges(from, to) {
      let run: [number, number] | undefined;
      for (const sequence of places.iterate(from, to) as IterableIterator<number>) {
        if (run?.[1] === sequence - 1) run[1] = sequence;
        else {
          if (run !== undefined) yield run;
          run = [sequence, sequence];
        }
      }
      if (run !== undefined) yield run;
    },
    changed() {
      total = undefined;
    },
    destroyed,
    erase(events) {
      for (const { sequence, left } of events) erase.run(packLeft(left), sequence);
    },
    add(counts) {
      const sums: Record<string, number> = { ...destroyed() };
      for (const [reason, added] of Object.entries(counts)) sums[reason] = (sums[reason] ?? 0) + added;
      put.run(JSON.stringify(sums));
    },
  };
}
