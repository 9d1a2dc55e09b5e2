import type { Ledger, StoredEvent } from "../ledger/index.ts";
import type { Subject } from "./messages.ts";
import { createBears, passOf, tellsOfParcel } from "./subject.ts";

/** Where events are searched for: the ledger, or the list of salvaged ones. `sequence` is their place there. */
export interface Searched {
  readonly first: number;
  readonly last: number;
  /** What is before has gone meanwhile, and need not be looked at any more. */
  firstNow(): number;
  read(from: number, to: number): readonly Pick<StoredEvent, "sequence" | "kind" | "bytes">[];
}

/** Places of events that were found; none, as a rule: then it only says that others may have their turn. */
export type Found = readonly number[];

/** Events that are looked at between two pieces of other work: some milliseconds. */
export const sliceCount = 512;
/** What is found goes in commits of so many: each may be of another page, and the disk has to take them all. */
const foundMax = 128;
/** Passes that are looked for at once; subjects with more of them are searched for in several rounds. */
const passesMax = 10_000;

function* slicesOf(from: number, to: number): Generator<readonly [from: number, to: number]> {
  for (let at = from; at <= to; at += sliceCount) yield [at, Math.min(to, at + sliceCount - 1)];
}

/**
 * Finds all events that bear one of the tokens or numbers, and all others of the same passes.
 *
 * Gives:   how many events cannot be read.
 * Cost:    twice over all events, in slices, however many subjects there are; holds `passesMax` names of passes.
 */
export function* search(
  { first, last, firstNow, read }: Searched,
  subjects: readonly Subject[],
): Generator<Found, number> {
  const bears = createBears(subjects);
  let unreadableCount = 0;
  for (let from = first; from <= last; ) {
    const passes = new Set<string>();
    let hitCount = 0;
    let reached = last;
    for (const [a, b] of slicesOf(from, last)) {
      const rows = read(a, b);
      unreadableCount += Math.max(0, b - Math.max(a, firstNow()) + 1 - rows.length);
      for (const { kind, bytes } of rows) {
        if (!tellsOfParcel({ kind }) || !bears(bytes)) continue;
        hitCount += 1;
        const pass = passOf(bytes);
        if (pass !== undefined) passes.add(pass);
      }
      yield [];
      reached = b;
      if (passes.size >= passesMax) break;
    }
    const isOfRound = ({ sequence, bytes }: Pick<StoredEvent, "sequence" | "bytes">): boolean =>
      passes.has(passOf(bytes) ?? "") || (sequence >= from && sequence <= reached && bears(bytes));
    if (hitCount > 0) yield* findAll({ first, last, firstNow, read }, isOfRound);
    from = reached + 1;
  }
  return unreadableCount;
}

function* findAll(
  { first, last, read }: Searched,
  isWanted: (row: Pick<StoredEvent, "sequence" | "bytes">) => boolean,
): Generator<Found, void> {
  const found: number[] = [];
  for (const [from, to] of slicesOf(first, last)) {
    for (const row of read(from, to)) if (tellsOfParcel(row) && isWanted(row)) found.push(row.sequence);
    yield found.length >= foundMax ? found.splice(0, foundMax) : [];
  }
  while (found.length > 0) yield found.splice(0, foundMax);
}

/** Events of the ledger's own chain. */
export function chainOf(ledger: Ledger): Searched {
  const { first, last } = ledger.extent();
  return { first: Math.max(1, first), last, firstNow: () => ledger.extent().first, read: ledger.readEach };
}

/** Events of damaged ledgers, by their place in the list. */
export function salvagedOf({ salvaged }: Ledger): Searched {
  return {
    first: 1,
    last: salvaged.count() > 0 ? salvaged.last() : 0,
    firstNow: () => 1,
    read: (from, to) => salvaged.read(from, to).map(({ id, kind, bytes }) => ({ sequence: id, kind, bytes })),
  };
}
