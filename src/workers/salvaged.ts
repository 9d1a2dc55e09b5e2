import type { Cursor, Ledger, Range, StoredEvent } from "../ledger/index.ts";

/** The list of salvaged events, as long as some broker lacks one of them. */
export interface Salvaged {
  /** The highest id in the list; 0 if there is nothing to send. */
  last(): number;
  /** Salvaged events have a place of their own in another chain; here they are known by their id, below nought. */
  fetch(range: Range): StoredEvent[];
  /** The list has changed: brokers get what it holds now, also those that are connected. */
  changed(slots: Iterable<{ readonly salvage: Pick<Cursor, "extend"> }>): void;
}

export function createSalvaged({ salvaged }: Ledger): Salvaged {
  const lastOf = (): number => (salvaged.count() > 0 ? salvaged.last() : 0);
  let last = lastOf();
  return {
    last: () => last,
    fetch: ([from, to]) =>
      salvaged.read(from, to).map(({ id, chain, sequence, kind, subject, bytes }) => {
        return { sequence: -id, kind, subject, bytes, at: 0, origin: { chain, sequence } };
      }),
    changed(slots) {
      last = lastOf();
      for (const { salvage } of slots) salvage.extend(last);
    },
  };
}
