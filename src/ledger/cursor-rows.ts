import type Database from "better-sqlite3";
import type { BrokerCounts } from "./ledger-face.ts";
import { createRangeSet, type Range } from "./range-set.ts";

/** A cursor with no more ranges than this is written as a whole each time: some hundred bytes. */
const wholeRangesMax = 256;
/** What was added to a longer one is kept beside it, until it is as long as this, and as the cursor itself. */
const addedBytesMin = 65_536;

/** A cursor that moved. */
export interface CursorChange {
  readonly broker: string;
  readonly ranges: readonly Range[];
  /** What came into it since the last write; absent if something was taken away. */
  readonly added: readonly Range[] | undefined;
  readonly counts: BrokerCounts | undefined;
}

/** Where cursors stand on disk. A broker that takes every other event has as many ranges as it has events. */
export interface CursorRows {
  read(broker: string): readonly Range[];
  /** Roughly how many bytes `write` writes. */
  sizeOf(change: CursorChange): number;
  /**
   * Writes a cursor, or what was added to it. Within a transaction; `stored` or `undone` has to follow.
   *
   * Takes:   `isTight`: what was added before is taken into the cursor, which makes room.
   * Cost:    O(added), and now and then O(ranges): the same in all as if it were twice the former.
   */
  write(change: CursorChange, isTight: boolean): void;
  stored(): void;
  undone(): void;
}

export function createCursorRows(database: Database.Database): CursorRows {
  const get = database.prepare("SELECT settled FROM cursor WHERE broker = ?").pluck();
  const getAdded = database.prepare("SELECT ranges FROM cursor_added WHERE broker = ? ORDER BY id").pluck();
  const put = database.prepare(
    "INSERT INTO cursor (broker, settled, counts) VALUES (?, ?, ?) ON CONFLICT (broker) DO UPDATE SET settled = excluded.settled, counts = excluded.counts",
  );
  const putCounts = database.prepare("UPDATE cursor SET counts = ? WHERE broker = ?");
  const add = database.prepare("INSERT INTO cursor_added (broker, ranges) VALUES (?, ?)");
  const forget = database.prepare("DELETE FROM cursor_added WHERE broker = ?");
  const sizes = new Map<string, { whole: number; added: number }>();
  let changed = new Map<string, { whole: number; added: number }>();

  function sizeOf(broker: string): { whole: number; added: number } {
    const known = sizes.get(broker);
    if (known !== undefined) return known;
    const added = (getAdded.all(broker) as string[]).reduce((sum, text) => sum + text.length, 0);
    const size = { whole: ((get.get(broker) as string | undefined) ?? "").length, added };
    sizes.set(broker, size);
    return size;
  }

  function isWhole({ broker, ranges, added }: CursorChange): boolean {
    if (added === undefined || ranges.length <= wholeRangesMax) return true;
    const size = sizeOf(broker);
    return size.whole === 0 || size.added > Math.max(size.whole, addedBytesMin);
  }

  return {
    read(broker) {
      const text = get.get(broker) as string | undefined;
      if (text === undefined) return [];
      const set = createRangeSet(JSON.parse(text) as Range[]);
      for (const added of getAdded.all(broker) as string[])
        for (const [from, to] of JSON.parse(added) as Range[]) set.add(from, to);
      return set.ranges();
    },
    sizeOf(change) {
      // Two numbers of up to 13 digits and three signs.
      return 24 * (isWhole(change) ? change.ranges.length : (change.added?.length ?? 0));
    },
    write(change, isTight) {
      const { broker, ranges, added, counts } = change;
      const countsText = counts === undefined ? null : JSON.stringify(counts);
      const size = sizeOf(broker);
      if (isTight || isWhole(change)) {
        const text = JSON.stringify(ranges);
        if (size.added > 0) forget.run(broker);
        put.run(broker, text, countsText);
        changed.set(broker, { whole: text.length, added: 0 });
      } else {
        const text = JSON.stringify(added);
        add.run(broker, text);
        putCounts.run(countsText, broker);
        changed.set(broker, { whole: size.whole, added: size.added + text.length });
      }
    },
    stored() {
      for (const [broker, size] of changed) sizes.set(broker, size);
      changed = new Map();
    },
    undone() {
      changed = new Map();
    },
  };
}
