import type { SealedEvent } from "../model/event.ts";
import type { EpochMs } from "../model/units.ts";
import type { Unsalvaged } from "./damage/quarantine.ts";
import type { SalvagedEvent, SalvagedList } from "./damage/salvaged.ts";
import type { Moved } from "./database.ts";
import type { WipeStep } from "./disk/wipe.ts";
import type { DestroyedCounts, Erased, ErasedRows } from "./erased-rows.ts";
import type { Range } from "./range-set.ts";

/** Where the chain stands: all that sealing needs to go on. */
export interface ChainRow {
  /** 12 hex digits, drawn when the file was made. */
  readonly chain: string;
  /** The last sequence; 0 in a new ledger. */
  readonly sequence: number;
  /** base64url SHA-256 of the last event's bytes. */
  readonly previous: string;
  /** The Merkle log's compact range. */
  readonly peaks: Uint8Array;
}

/** An event as it stands in the ledger. */
export interface StoredEvent extends SealedEvent {
  readonly at: EpochMs;
}

/** An event that a broker will never take, and why. */
export interface RefusedEvent {
  readonly sequence: number;
  readonly reason: string;
  readonly at: EpochMs;
}

/** What a broker refused since the last commit: the newest one by one, and how many there were. */
export interface NewlyRefused {
  readonly count: number;
  readonly events: readonly RefusedEvent[];
}

/** What became of the events that one broker needs no more: events = delivered + queued + refused + lost, by reason. */
export interface BrokerCounts {
  readonly delivered: number;
  readonly lost: { readonly [reason: string]: number };
}

/** What one commit writes, all or nothing. */
export interface Commit {
  readonly events: readonly StoredEvent[];
  /** Where the chain stands after `events`. */
  readonly chain: ChainRow;
  /** Cursors that moved. */
  readonly settled: ReadonlyMap<string, readonly Range[]>;
  /** What came into these cursors since the last commit; absent where something was taken away. */
  readonly added?: ReadonlyMap<string, readonly Range[]>;
  /** What brokers refused for good, by broker; each of them stands in `settled` too. */
  readonly refused: ReadonlyMap<string, NewlyRefused>;
  /** What became of the settled events of these cursors. */
  readonly counts?: ReadonlyMap<string, BrokerCounts>;
  /** Events up to this sequence are destroyed with this commit; 0: none. */
  readonly destroyTo: number;
  /** Events of which nothing stays but their hashes. */
  readonly erased?: readonly Erased[];
  /** Salvaged events that go, by their id. */
  readonly unsaved?: readonly number[];
  /** How many events go with this commit, by reason. */
  readonly destroyed?: DestroyedCounts;
  /** Events that were destroyed before every broker had them, in all. */
  readonly lostCount: number;
  /** Every broker has all salvaged events: the list goes. */
  readonly isSalvageOver?: boolean;
  /** A damaged ledger that was read: up to this event, or through. */
  readonly salvaged?: { readonly file: string; readonly reached: number | undefined };
  /** Writes the chain's row although nothing changed: what proves that a COMMIT works must reach the disk. */
  readonly isBeat?: boolean;
  /** These are records of the ledger's own (an epoch, a gap): they may use the pages that are kept for them. */
  readonly isOwn?: boolean;
  /** The last of a run: what waits would be lost, so the file may grow beyond its quota, by some megabytes. */
  readonly isLast?: boolean;
}

export interface LedgerExtent {
  /** Lowest and highest sequence on disk; 0 and 0 when empty. */
  readonly first: number;
  readonly last: number;
  readonly fileBytes: number;
  readonly walBytes: number;
  /** Bytes that are used, free pages not counted. */
  readonly usedBytes: number;
  /** What that may become before there is no room. */
  readonly usedBytesMax: number;
}

/**
 * The append-only log of events in one SQLite file; also the outage queue.
 *
 * Invariants
 * 1. What `commit` answered "stored" survives a crash of the process and of the machine (WAL, synchronous=FULL).
 * 2. Sequences on disk are gapless from `extent().first` to `extent().last`.
 * 3. The chain row always fits the last event: they change in one transaction.
 * 4. A file is never deleted or replaced, whatever is wrong with it.
 */
export interface Ledger {
  /** The chain's row; undefined in a file that was just made. */
  chain(): ChainRow | undefined;
  lostCount(): number;
  cursor(broker: string): readonly Range[];
  /** What a broker refused for good: how many in all, and the newest one by one, the newest first. */
  refusedCount(broker: string): number;
  refused(broker: string, max: number): RefusedEvent[];
  /** Undefined if the broker has no cursor, or one that was written before there were counts. */
  counts(broker: string): BrokerCounts | undefined;
  /** The damaged ledger that opening this one moved aside. */
  readonly moved: Moved | undefined;
  /** Damaged ledgers beside this one that nobody has read through yet. */
  unsalvaged(): readonly Unsalvaged[];
  /** Adds events of another chain to the list of salvaged ones. Gives their ids; undefined: there is no room. */
  salvage(events: readonly SalvagedEvent[], reason: string): number[] | undefined;
  readonly salvaged: Pick<SalvagedList, "last" | "read" | "count">;
  /** Writes all or nothing. "full": nothing was written and the file may not grow. Fails: ledger/io, ledger/corrupt. */
  commit(commit: Commit): "stored" | "full";
  /**
   * Events of [from, to] in order, cut off after `bytesMax` bytes (but at least one), for whoever verifies them: the epoch
   * event of the first ones comes before them although it was destroyed, if it lies within.
   */
  read(from: number, to: number, bytesMax: number): SealedEvent[];
  /** The epoch event of the first events on disk, where it was destroyed and they were not; undefined also where it cannot be read. */
  keptEpoch(): SealedEvent | undefined;
  /** As `read`, without the rows that cannot be read. Fails: ledger/io, if the disk fails. */
  readEach(from: number, to: number): StoredEvent[];
  /** Places of erased events, and the account of all that was destroyed. */
  readonly erased: Pick<ErasedRows, "count" | "ranges" | "destroyed">;
  /** Damaged ledgers that were moved aside and lie beside this one, by name: nothing is erased from them. */
  damagedFiles(): readonly string[];
  /**
   * Overwrites a part of what the write-ahead log held of events that are destroyed, if any were since it was done last,
   * or since the start. Fails: ledger/io.
   */
  wipe(): WipeStep;
  /** The file is in doubt: the next start reads it whole. */
  doubt(): void;
  /** How far from its beginning on, but no further than `last`, the ledger holds only events made before `at`. */
  lastBefore(at: EpochMs, last: number): number;
  /** The sequence of the last epoch event within [from, to]; 0 if there is none. Cost: reads back from `to` to it. */
  lastEpoch(from: number, to: number): number;
  extent(): LedgerExtent;
  /** Makes sure that the file still is where it was opened. Fails: ledger/io; what is committed from then on is lost. */
  checkPlace(): void;
  /** Folds the write-ahead log into the file and lets go of both. */
  close(): void;
}
