import { createHash } from "node:crypto";
import {
  type Commit,
  type DestroyedCounts,
  type Erased,
  type Ledger,
  previousOf,
  type StoredEvent,
} from "../ledger/index.ts";
import type { Clock } from "../lib/clock.ts";
import { SortgateError } from "../model/error.ts";
import { leafHashOf, sm3 } from "../seal/index.ts";
import type { ErasureReport, Subject } from "./messages.ts";
import type { Outbox } from "./outbox.ts";
import { type OwnDraft, ownDraft } from "./own-records.ts";
import type { Retention } from "./retention.ts";
import { isNoSpace, noSpace } from "./room.ts";
import { chainOf, type Found, salvagedOf, search, sliceCount } from "./search.ts";
import { holdsCore, tellsOfParcel } from "./subject.ts";

/** What one commit erases, and what the chain says of it. */
export interface Erasure {
  readonly erased: readonly Erased[];
  /** Salvaged events, by their id. */
  readonly unsaved: readonly number[];
  readonly destroyed: DestroyedCounts;
  readonly records: readonly OwnDraft[];
}

/**
 * Erases single events: what belongs to a subject, and core data whose time is over.
 *
 * 1. What is erased by one commit is told by a signed `purge` event in the same one.
 * 2. Between two commits no more than `sliceCount` events are looked at, so that nothing else waits.
 * 3. Hashes stay, so that what is left can be verified.
 */
export interface Erasing {
  /** Begins to erase what belongs to these subjects. Fails: usage/invalid while another one goes on. */
  begin(subjects: readonly Subject[], done: (outcome: ErasureReport | SortgateError) => void): void;
  /** Begins to look for core data whose time is over. To be called now and then. */
  expire(): void;
  /** Does a part of what was begun. True: there is more. */
  step(): boolean;
}

export interface ErasingOptions {
  readonly ledger: Ledger;
  readonly outbox: Pick<Outbox, "deliveredByAll">;
  /** Absent: core data stay as long as all others. */
  readonly retention: Retention | undefined;
  readonly clock: Clock;
  /** Writes it down, all or nothing. False: there is no room. */
  readonly commit: (erasure: Erasure) => boolean;
}

/** One piece of work, in parts. Undefined: nothing is to be committed now. */
type Work<Outcome> = Generator<Erasure | undefined, Outcome, boolean>;

function leftOf({ sequence, bytes }: StoredEvent): Erased {
  const digest = createHash("sha256").update(bytes).digest();
  const previous = Buffer.from(previousOf(bytes) ?? "", "base64url");
  // Whatever the algorithms of today are: the event may be of a time with the others.
  return { sequence, left: { digest, leaf: leafHashOf(bytes), previous, sm3: sm3(bytes) } };
}

function erasureOf(events: readonly StoredEvent[], reason: "erased" | "core-expired"): Erasure {
  // One by one: within a range anything could be taken out and called lawful.
  const data = { count: events.length, reason, sequences: events.map(({ sequence }) => String(sequence)) };
  return {
    erased: events.map(leftOf),
    unsaved: [],
    destroyed: { [reason]: events.length },
    records: [ownDraft("purge", () => data)],
  };
}

/** Those of the found ones that are there still, for others may have gone meanwhile. */
function eventsAt(ledger: Ledger, found: Found): StoredEvent[] {
  return found.flatMap((sequence) => ledger.readEach(sequence, sequence)).filter(tellsOfParcel);
}

function* eraseFromChain(
  ledger: Ledger,
  subjects: readonly Subject[],
): Work<{ count: number; unreadableCount: number }> {
  const places = search(chainOf(ledger), subjects);
  let count = 0;
  for (let next = places.next(); ; next = places.next()) {
    if (next.done === true) return { count, unreadableCount: next.value };
    const events = next.value.length === 0 ? [] : eventsAt(ledger, next.value);
    if (events.length === 0) yield undefined;
    else {
      if (!(yield erasureOf(events, "erased"))) throw noSpace();
      count += events.length;
    }
  }
}

/** Salvaged events have no place in this chain that could stay: a gap of their own chain tells that they went. */
function* eraseSalvaged(ledger: Ledger, subjects: readonly Subject[]): Work<number> {
  let count = 0;
  for (const ids of search(salvagedOf(ledger), subjects)) {
    const byChain = new Map<string, number[]>();
    for (const id of ids)
      for (const { chain, sequence } of ledger.salvaged.read(id, id))
        byChain.set(chain, [...(byChain.get(chain) ?? []), sequence]);
    const records = [...byChain].map(([chain, all]) => {
      const sequences = all.sort((a, b) => a - b).map(String);
      const range = { from: sequences[0]!, to: sequences.at(-1)! };
      return ownDraft("gap", () => ({ chain, count: sequences.length, reason: "erased", sequences, ...range }));
    });
    if (ids.length === 0) yield undefined;
    else {
      if (!(yield { erased: [], unsaved: ids, destroyed: {}, records })) throw noSpace();
      count += ids.length;
    }
  }
  return count;
}

function* eraseSubjects(ledger: Ledger, subjects: readonly Subject[]): Work<ErasureReport> {
  const to = ledger.extent().last;
  const { count, unreadableCount } = yield* eraseFromChain(ledger, subjects);
  const salvagedCount = yield* eraseSalvaged(ledger, subjects);
  let wiped = ledger.wipe();
  for (; wiped === "more"; wiped = ledger.wipe()) yield undefined;
  return { count, salvagedCount, to, unreadableCount, files: ledger.damagedFiles(), isOverwritten: wiped === "done" };
}

interface Job<Outcome> {
  readonly work: Work<Outcome>;
  /** What became of what it gave last. */
  isStored: boolean;
}

interface Asker {
  readonly done: (outcome: ErasureReport | SortgateError) => void;
}

/** How often it is noted how far the ledger reaches, so that events of this run grow old with it. */
const markMs = 600_000;

const busy = (): SortgateError =>
  new SortgateError("usage/invalid", "Another erasure goes on", {
    hint: "the same command again, once that has ended",
  });

/** What a commit takes away: of `room`, as it makes room or forgets what is old, and of an erasure. */
export function goingOf(
  room: DestroyedCounts | undefined,
  erasure: Erasure | undefined,
): Pick<Commit, "erased" | "unsaved" | "destroyed"> {
  if (room === undefined && erasure === undefined) return {};
  const { erased = [], unsaved = [], destroyed = {} } = erasure ?? {};
  return {
    ...(erased.length > 0 && { erased }),
    ...(unsaved.length > 0 && { unsaved }),
    destroyed: { ...room, ...destroyed },
  };
}

export function createErasing({ ledger, outbox, retention, clock, commit }: ErasingOptions): Erasing {
  let asked: (Job<ErasureReport> & Asker) | undefined;
  let expiring: Job<void> | undefined;
  let markedAtMs = clock.monotonicMs();
  /** Up to here all core data whose time is over are erased. */
  let doneTo = 0;

  function* expireCore({ expired }: Retention): Work<void> {
    const expiry = expired();
    if (expiry === undefined) return;
    for (;;) {
      const from = Math.max(ledger.extent().first, doneTo + 1);
      const to = Math.min(expiry.last, outbox.deliveredByAll(), from + sliceCount - 1);
      if (to < from) return;
      const rows = ledger.readEach(from, to);
      const young = rows.find(({ at }) => at >= expiry.at);
      const old = rows.filter(({ sequence }) => young === undefined || sequence < young.sequence);
      const events = old.filter((row) => tellsOfParcel(row) && holdsCore(row.bytes));
      const isDone = yield events.length === 0 ? undefined : erasureOf(events, "core-expired");
      if (!isDone) return;
      doneTo = young === undefined ? to : young.sequence - 1;
      if (young !== undefined) return;
    }
  }

  /** Runs one part of a piece of work, and commits what it gives. */
  function advance<Outcome>(job: Job<Outcome>): IteratorResult<unknown, Outcome> {
    const part = job.work.next(job.isStored);
    job.isStored = part.done === true || part.value === undefined || commit(part.value);
    return part;
  }

  /** True: it is over. */
  function advanceAsked(job: Job<ErasureReport> & Asker): boolean {
    try {
      const part = advance(job);
      if (part.done === true) job.done(part.value);
      return part.done === true;
    } catch (error) {
      if (!isNoSpace(error)) throw error;
      job.done(error as SortgateError);
      return true;
    }
  }

  return {
    begin(subjects, done) {
      if (asked !== undefined) return done(busy());
      asked = { work: eraseSubjects(ledger, subjects), isStored: true, done };
    },
    expire() {
      if (retention === undefined) return;
      if (clock.monotonicMs() - markedAtMs >= markMs) {
        markedAtMs = clock.monotonicMs();
        retention.passed(ledger.extent().last);
      }
      expiring ??= { work: expireCore(retention), isStored: true };
    },
    step() {
      if (asked !== undefined) {
        if (advanceAsked(asked)) asked = undefined;
        return true;
      }
      if (expiring === undefined) return false;
      if (advance(expiring).done === true) expiring = undefined;
      return true;
    },
  };
}
