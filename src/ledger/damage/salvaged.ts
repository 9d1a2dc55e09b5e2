import type Database from "better-sqlite3";
import type { EventKind } from "../../model/event.ts";

/** An event of another chain that was saved from a damaged ledger, and that some broker does not have yet. */
export interface SalvagedEvent {
  readonly chain: string;
  readonly sequence: number;
  readonly kind: EventKind;
  readonly subject: string | undefined;
  readonly bytes: Uint8Array;
}

/** The list of salvaged events. Its ids rise and are never used twice. */
export interface SalvagedList {
  /** Adds an event, unless it is in the list. Gives its id. */
  add(event: SalvagedEvent, reason: string): number;
  /** The highest id that was ever given; 0 if none was. */
  last(): number;
  read(from: number, to: number): (SalvagedEvent & { readonly id: number })[];
  count(): number;
  /** Takes these out of the list for good. */
  remove(ids: readonly number[]): void;
  /** Every broker has all of it. */
  clear(): void;
  /** Up to which event each file was read; endless if it was read through. */
  files(): ReadonlyMap<string, number>;
  /** A file was read, up to this event or through. */
  done(file: string, at: number, reached: number | undefined): void;
}

interface Row extends Omit<SalvagedEvent, "subject"> {
  readonly id: number;
  readonly subject: string | null;
}

export function createSalvagedList(database: Database.Database): SalvagedList {
  const insert = database.prepare(
    "INSERT INTO salvaged (chain, sequence, kind, subject, reason, bytes) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (chain, sequence) DO NOTHING",
  );
  const find = database.prepare("SELECT id FROM salvaged WHERE chain = ? AND sequence = ?").pluck();
  const read = database.prepare(
    "SELECT id, chain, sequence, kind, subject, bytes FROM salvaged WHERE id BETWEEN ? AND ? ORDER BY id",
  );
  const last = database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'salvaged'").pluck();
  const count = database.prepare("SELECT count(*) FROM salvaged").pluck();
  const remove = database.prepare("DELETE FROM salvaged WHERE id = ?");
  const clear = database.prepare("DELETE FROM salvaged");
  const files = database.prepare("SELECT file, reached FROM quarantined");
  const done = database.prepare(
    "INSERT INTO quarantined (file, at, reached) VALUES (?, ?, ?) ON CONFLICT (file) DO UPDATE SET reached = excluded.reached",
  );
  return {
    add({ chain, sequence, kind, subject, bytes }, reason) {
      insert.run(chain, sequence, kind, subject ?? null, reason, bytes);
      return find.get(chain, sequence) as number;
    },
    last: () => (last.get() as number | undefined) ?? 0,
    read: (from, to) => (read.all(from, to) as Row[]).map((row) => ({ ...row, subject: row.subject ?? undefined })),
    count: () => count.get() as number,
    remove: (ids) => {
      for (const id of ids) remove.run(id);
    },
    clear: () => void clear.run(),
    files: () =>
      new Map(
        (files.all() as { file: string; reached: number | null }[]).map(({ file, reached }) => {
          return [file, reached ?? Number.POSITIVE_INFINITY];
        }),
      ),
    done: (file, at, reached) => void done.run(file, at, reached ?? null),
  };
}
