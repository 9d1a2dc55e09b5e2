import { hash } from "node:crypto";
import { basename } from "node:path";
import {
  countOf,
  createRangeSet,
  hashAt,
  isLeft,
  type Ledger,
  linkAt,
  openDamaged,
  type Range,
  type SalvagedEvent,
} from "../ledger/index.ts";
import { createEventCheck, type EventPlace } from "../seal/index.ts";

/** What became of a damaged ledger. */
export interface SalvageReport {
  readonly file: string;
  /** Its chain; empty if nothing of it could be read. */
  readonly chain: string;
  readonly readCount: number;
  readonly salvagedCount: number;
  /** Events that cannot be read, and that some broker does not have. */
  readonly lost: readonly Range[];
  /** Events that found no room; they are in the file still. */
  readonly leftCount: number;
  /** Up to where the file was read; absent if that is all of it. */
  readonly reached: number | undefined;
}

export interface Salvage {
  readonly ledger: Ledger;
  readonly brokers: readonly string[];
  /** Up to this event the file was read before. */
  readonly from: number;
  /** No more rows than this are looked at, so that nothing else waits long; the rest is left for the next time. */
  readonly rowsMax: number;
  /** A broker has these salvaged events already. */
  readonly settled: (broker: string, id: number) => void;
}

interface Row {
  readonly sequence: number;
  readonly bytes: Buffer;
}

const asPlace = ({ bytes }: Row): { readonly kind: string; readonly bytes: Uint8Array } => {
  return { kind: isLeft(bytes) ? "erased" : "", bytes };
};

const batchCount = 500;
/** A batch that finds no room is left as a whole: large events come in fewer. */
const batchBytes = 262_144;
/** So many events at the end may be lost as a whole; a chain that claims more is not believed. */
const tailMax = 1_000_000;

/**
 * Saves what a damaged ledger holds and some broker lacks into the list of salvaged events.
 *
 * Gives:   only events that are byte for byte as they were signed.
 * Cost:    one hash an event; may be repeated after a crash, and adds nothing twice then.
 */
export function salvage(path: string, { ledger, brokers, from, rowsMax, settled }: Salvage): SalvageReport {
  const damaged = openDamaged(path);
  try {
    const check = checkOf(damaged);
    const end = damaged.chain();
    const had = brokers.map((broker) => ({ broker, set: createRangeSet(damaged.cursor(broker)) }));
    const whole = createRangeSet([]);
    let chain = end?.chain ?? "";
    let first = 0;
    let last = 0;
    let salvagedCount = 0;
    let leftCount = 0;
    let reached = from;
    let waiting: SalvagedEvent[] = [];
    let waitingBytes = 0;
    const lacks = ({ set }: (typeof had)[number], sequence: number): boolean =>
      set.missing(sequence, sequence, 1, []).count > 0;

    const flush = (): void => {
      // Behind what found no room nothing is taken, so that it is known where to go on.
      const isOver = waiting.length === 0 || leftCount > 0;
      const ids = isOver ? [] : ledger.salvage(waiting, "damaged-ledger");
      if (ids === undefined || leftCount > 0) leftCount += waiting.length;
      else if (waiting.length > 0) {
        salvagedCount += ids.length;
        reached = waiting[waiting.length - 1]!.sequence;
      }
      ids?.forEach((id, index) => {
        for (const one of had) if (!lacks(one, waiting[index]!.sequence)) settled(one.broker, id);
      });
      waiting = [];
      waitingBytes = 0;
    };
    const take = (row: Row, place: EventPlace): void => {
      if (place.sequence !== row.sequence || (chain !== "" && place.chain !== chain)) return;
      chain = place.chain;
      whole.add(row.sequence, row.sequence);
      last = Math.max(last, row.sequence);
      if (row.sequence <= from || !had.some((one) => lacks(one, row.sequence))) return;
      waiting.push({ ...place, bytes: row.bytes });
      waitingBytes += row.bytes.length;
      if (waiting.length === batchCount || waitingBytes >= batchBytes) flush();
    };
    const judge = (row: Row, link: string | undefined): void => {
      // Nothing of it is to be saved, and nothing of it is lost; the event behind it says that it was this one.
      if (isLeft(row.bytes) && link === hashAt(asPlace(row))) whole.add(row.sequence, row.sequence);
      const place = check.read(row.bytes);
      if (place === undefined) return;
      if (place.kind === "epoch") check.learn(row.bytes);
      if (link === hash("sha256", row.bytes, "base64url") || check.isSigned(row.bytes)) take(row, place);
    };

    let before: Row | undefined;
    let rowCount = 0;
    for (const row of rowsOf(damaged, from, rowsMax)) {
      if (first === 0) first = row.sequence;
      if (before !== undefined) judge(before, row.sequence === before.sequence + 1 ? linkAt(asPlace(row)) : undefined);
      before = row;
      rowCount += 1;
    }
    // The last row that was looked at is judged with the one behind it, the next time.
    const isCut = rowCount >= rowsMax && before !== undefined;
    if (before !== undefined && !isCut) judge(before, end?.sequence === before.sequence ? end.previous : undefined);
    flush();
    if (isCut && leftCount === 0) reached = before!.sequence - 1;
    const isThrough = leftCount === 0 && !isCut;
    // Where the chain ended is believed if it can be: the row that says so may be damaged too.
    const endAt = end === undefined || end.sequence > last + tailMax ? last : Math.max(last, end.sequence);
    const lost = lostOf(
      from > 0 ? from + 1 : Math.max(first, 1),
      isThrough ? endAt : reached,
      whole.ranges(),
      had.map(({ set }) => set.ranges()),
    );
    return {
      file: basename(path),
      chain,
      readCount: countOf(whole.ranges()),
      salvagedCount,
      lost,
      leftCount,
      reached: isThrough ? undefined : reached,
    };
  } finally {
    damaged.close();
  }
}

/** The first rows may be signed by a key that no row tells any more. */
function checkOf(damaged: ReturnType<typeof openDamaged>): ReturnType<typeof createEventCheck> {
  const check = createEventCheck();
  const kept = damaged.keptEpoch();
  if (kept !== undefined) check.learn(kept);
  return check;
}

/** Batches of rows behind `from` until they are at least so many. */
function* rowsOf(damaged: ReturnType<typeof openDamaged>, from: number, rowsMax: number): Generator<Row> {
  let count = 0;
  for (const rows of damaged.rows(from)) {
    if (count >= rowsMax) return;
    yield* rows;
    count += rows.length;
  }
}

/** Ranges of [first, last] that are not whole and that some broker lacks. */
function lostOf(first: number, last: number, whole: readonly Range[], had: readonly (readonly Range[])[]): Range[] {
  const broken: Range[] = [];
  createRangeSet(whole).missing(first, last, last, broken);
  const lost = createRangeSet([]);
  for (const ranges of had)
    for (const [from, to] of broken) {
      const lacking: Range[] = [];
      createRangeSet(ranges).missing(from, to, to - from + 1, lacking);
      for (const [a, b] of lacking) lost.add(a, b);
    }
  return [...lost.ranges()];
}
