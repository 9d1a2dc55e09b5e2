import type { DestroyedCounts, Ledger, LedgerExtent } from "../ledger/index.ts";
import type { Clock } from "../lib/clock.ts";
import { SortgateError } from "../model/error.ts";
import { limits } from "../model/limits.ts";
import type { Notice, Tell } from "../model/notice.ts";
import type { DurationMs, EpochMs, MonotonicMs } from "../model/units.ts";
import type { DraftMessage, Fullness } from "./messages.ts";
import type { Outbox } from "./outbox.ts";
import { type OwnDraft, ownDraft } from "./own-records.ts";
import type { Expiry } from "./retention.ts";

/**
 * Makes room in a ledger that may not grow, and forgets what is old. Whatever goes leaves a signed record.
 *
 * What gives way, in this order: events that every broker has; then what `when_full` names.
 */
export interface Room {
  /** Marks some delivered events that are over for destruction by the next commit. False: there are none. */
  expire(expiry: Expiry): boolean;
  /** Whether more of them are to go: a day of events goes in parts, for nothing else is done meanwhile. */
  isExpiring(): boolean;
  /** What there was no more of when it was full last; undefined once the disk was freed, or brokers lack less than half of it. */
  fullness(): Fullness | undefined;
  /**
   * The ledger is full: decides what gives way. "drop": the drafts that were to come in.
   *
   * Takes:   `isKeyless`: no epoch has begun. Brokers with a view get nothing before, so nothing waits for them then.
   */
  make(drafts: readonly DraftMessage[], isKeyless?: boolean): "retry" | "drop" | "wait";
  /** Events up to this sequence go with the next commit; 0: none. */
  destroyTo(): number;
  /** How many events those are, by reason; erased ones were counted before. */
  destroyed(): DestroyedCounts | undefined;
  /** Records that go into the next commit; `isTight`: but for what may wait for more room. */
  records(isTight: boolean): readonly OwnDraft[];
  /** The commit returned: what was marked is gone and told. */
  stored(): void;
  /** Nothing could be written, not even with room made: what was marked stays. */
  giveUp(): void;
  /** So many more found no room for good. */
  lose(count: number): void;
  /** Events that were destroyed, or refused for want of room, before every broker had them. */
  lostCount(): number;
  /** Since the last of them, in this run; undefined: there was none. */
  lostAgoMs(): DurationMs | undefined;
}

/** For what cannot wait for room: the first event of an epoch. */
export function noSpace(): SortgateError {
  return new SortgateError("ledger/full", "The ledger cannot be written: no room is left, not even for one event", {
    hint: "free space on the disk of data_dir (df -h), or raise queue.bytes_max",
  });
}

export function isNoSpace(error: unknown): boolean {
  return error instanceof SortgateError && error.code === "ledger/full";
}

/** What a full ledger has no more of: near its quota it is that, within the largest commit or a twentieth. */
export function fullnessOf({ usedBytes, usedBytesMax }: LedgerExtent): Fullness {
  const near = Math.max(usedBytesMax / 20, limits.commitBytesMax);
  return usedBytes > usedBytesMax - near ? "bytes_max" : "disk";
}

/** How long and how often the ledger is asked for room, and looked at. */
export const patience = {
  /** A full ledger is asked for room this often before the drafts must wait, … */
  roomAttemptsMax: 8,
  /** … and so long. */
  fullRetryMs: 1_000,
  /** A key that is to be changed and finds no room for its successor signs on for so long. */
  rotationRetryMs: 60_000,
  /** Rows of a damaged ledger that are looked at between two commits: less than a second. */
  readOnRowsMax: 10_000,
} as const;

/** Rows that go at once when the ledger is full: enough that it does not happen at each commit. */
const chunkCount = 2_000;
/** So often a commit that was "full" is tried with more room made. */
const growingMarksMax = 3;
/** So many only, where those were too many. */
const fewCount = 250;
/** What retention destroys at once, and overwrites: a megabyte or two, some 100 ms of a flash card. */
const expireCount = 2_000;

/** Drafts that did not come in, until a gap tells of them. */
function createRefusals(): {
  add(drafts: readonly DraftMessage[]): void;
  records(isTight: boolean): OwnDraft[];
  /** What `records` gave last is in the chain. */
  stored(): void;
} {
  let refused: { count: number; from: EpochMs; to: EpochMs } | undefined;
  let isTold = false;
  return {
    add(drafts) {
      if (drafts.length === 0) return;
      const from = refused?.from ?? drafts[0]!.at;
      refused = { count: (refused?.count ?? 0) + drafts.length, from, to: drafts[drafts.length - 1]!.at };
    },
    records(isTight) {
      isTold = refused !== undefined && !isTight;
      if (refused === undefined || isTight) return [];
      const { count, from, to } = refused;
      const times = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
      return [ownDraft("gap", () => ({ reason: "queue-full", count, ...times }))];
    },
    stored() {
      if (isTold) refused = undefined;
    },
  };
}

/** What the chain says of events that go: how many, and how many of them some broker never had. */
function recordsOf(range: Record<"from" | "to" | "reason", string>, count: number, lostCount: number): OwnDraft[] {
  const purge = ownDraft("purge", () => ({ ...range, count }));
  if (lostCount === 0) return [purge];
  return [purge, ownDraft("gap", () => ({ ...range, reason: "queue-full", count: lostCount }))];
}

function purgedNotice(to: number, lost: number): Notice {
  const what = lost === 0 ? "" : `; some broker never had ${lost} of them`;
  const message = `Events up to sequence ${to} were destroyed${what}; the chain says so`;
  return { name: "ledger/purged", level: lost === 0 ? "info" : "warn", message, fields: { to, lost } };
}

/** Says that the ledger is full, once a minute. */
function createWarning(policy: string, clock: Clock, tell: Tell): () => void {
  let toldAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (clock.monotonicMs() - toldAt < 60_000) return;
    toldAt = clock.monotonicMs();
    tell({
      name: "ledger/full",
      level: "error",
      message: `The ledger may not grow any further; when_full = "${policy}" decides. Free the disk, raise queue.bytes_max, or bring the broker back`,
      fields: { policy },
    });
  };
}

/** Counts what is lost, on top of what earlier runs lost. */
function createLosses(before: number, clock: Clock) {
  let count = before;
  let at: MonotonicMs | undefined;
  return {
    add(more: number): void {
      count += more;
      if (more > 0) at = clock.monotonicMs();
    },
    count: (): number => count,
    agoMs: (): DurationMs | undefined => (at === undefined ? undefined : clock.monotonicMs() - at),
  };
}

/** A full disk gives the file nothing: grown by so much, a quarter of what is held ahead, it was freed. */
const freedBytes = 262_144;

/** What there was no more of when the ledger was full: once something gave way, it is no longer near its quota. */
function createFullness(ledger: Ledger, outbox: Outbox) {
  let full: { readonly of: Fullness; readonly fileBytes: number } | undefined;
  return {
    reached(): void {
      const extent = ledger.extent();
      full = { of: fullnessOf(extent), fileBytes: extent.fileBytes };
    },
    now(): Fullness | undefined {
      if (full === undefined) return undefined;
      const { first, last, fileBytes } = ledger.extent();
      const isFreed = full.of === "disk" && fileBytes >= full.fileBytes + freedBytes;
      if (isFreed || outbox.undeliveredUpTo(last) * 2 <= last - first) full = undefined;
      return full?.of;
    },
  };
}

export function createRoom(options: {
  ledger: Ledger;
  outbox: Outbox;
  policy: "drop-oldest" | "drop-newest" | "stop-reading";
  clock: Clock;
  tell: Tell;
}): Room {
  const { ledger, outbox, policy, clock, tell } = options;
  let [destroyTo, goingLostCount] = [0, 0];
  let [going, destroyed]: [OwnDraft[], DestroyedCounts?] = [[]];
  const refusals = createRefusals();
  const losses = createLosses(ledger.lostCount(), clock);
  /** The last event of an expiry that has begun. */
  let expireTo = 0;
  const warn = createWarning(policy, clock, tell);
  const fullness = createFullness(ledger, outbox);
  /** How often room was made for the commit that is tried now. */
  let markCount = 0;

  function mark(to: number, reason: "retention" | "space"): boolean {
    const { first } = ledger.extent();
    if (first === 0 || to < first || to <= destroyTo) return false;
    goingLostCount = outbox.undeliveredUpTo(to);
    destroyTo = to;
    const count = to - first + 1 - ledger.erased.count(to);
    destroyed = { [reason]: count };
    going = recordsOf({ from: String(first), to: String(to), reason }, count, goingLostCount);
    return true;
  }

  function unmark(): void {
    markCount = 0;
    destroyTo = 0;
    goingLostCount = 0;
    [going, destroyed] = [[], undefined];
  }

  /** What goes with one commit must fit into the log: what was too much only grows, so it is tried with little, once. */
  function makeLess(first: number): "retry" | "wait" {
    const few = first + fewCount - 1;
    if (destroyTo <= few) return "wait";
    destroyTo = 0;
    return mark(few, "space") ? "retry" : "wait";
  }

  return {
    expire({ at, last }) {
      const { first } = ledger.extent();
      if (expireTo < first) {
        const to = ledger.lastBefore(at, Math.min(last, outbox.deliveredByAll()));
        // What stays begins with the epoch event that tells its key, so that it can still be verified by itself. That
        // event is over too: it says by a clock of its own that what is before it was made no later.
        expireTo = ledger.lastEpoch(first, to) - 1;
      }
      // A replay may have made some of them queued again meanwhile.
      return mark(Math.min(expireTo, outbox.deliveredByAll(), first + expireCount - 1), "retention");
    },
    fullness: fullness.now,
    isExpiring: () => expireTo >= ledger.extent().first,
    make(drafts, isKeyless) {
      const { first, last } = ledger.extent();
      markCount += 1;
      if (markCount > growingMarksMax) return makeLess(first);
      const chunkEnd = Math.min(last, Math.max(first, destroyTo + 1) + chunkCount - 1);
      if (mark(Math.min(chunkEnd, outbox.deliveredByAll(isKeyless)), "space")) return "retry";
      warn();
      fullness.reached();
      if (policy === "stop-reading") return "wait";
      if (policy === "drop-oldest") return mark(chunkEnd, "space") ? "retry" : "wait";
      refusals.add(drafts);
      losses.add(drafts.length);
      return "drop";
    },
    destroyTo: () => destroyTo,
    destroyed: () => destroyed,
    records: (isTight) => [...going, ...refusals.records(isTight)],
    stored() {
      if (destroyTo > 0) {
        outbox.destroyed(destroyTo);
        losses.add(goingLostCount);
        tell(purgedNotice(destroyTo, goingLostCount));
      }
      unmark();
      refusals.stored();
    },
    giveUp: unmark,
    lose: losses.add,
    lostCount: () => losses.count() + goingLostCount,
    lostAgoMs: losses.agoMs,
  };
}
