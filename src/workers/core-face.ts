import type { Ledger, StoredEvent, Unsalvaged } from "../ledger/index.ts";
import type { Clock } from "../lib/clock.ts";
import type { SealedEvent } from "../model/event.ts";
import type { Tell } from "../model/notice.ts";
import type { DurationMs } from "../model/units.ts";
import type { Sealer } from "../seal/index.ts";
import type { BeginEpoch } from "./epoch.ts";
import type { Erasing } from "./erasing.ts";
import type { ClockState, Counters, DraftMessage, LedgerOptions, LedgerStats } from "./messages.ts";
import type { Outbox } from "./outbox.ts";

export interface LedgerCoreOptions {
  readonly ledger: Ledger;
  readonly sealer: Sealer;
  readonly chain: string;
  readonly options: LedgerOptions;
  readonly beginEpoch: BeginEpoch;
  readonly clock: Clock;
  readonly tell: Tell;
  /** Called after each commit with what it made durable, and with how many of the appended events were in it. */
  readonly committed: (events: readonly StoredEvent[], appendedCount: number) => void;
  /** Called between seal and commit: what the outbox is told here goes into this commit. */
  readonly sealed: () => void;
}

/**
 * Seal and ledger as one: takes drafts, makes them durable, hands them out.
 *
 * Invariants
 * 1. Nothing is handed out, and nothing is answered as committed, before its COMMIT returned.
 * 2. What was appended stays in `waiting` until it is committed; a failed commit takes nothing away.
 * 3. After a commit that did not happen, the sealer stands where it stood before.
 */
export interface LedgerCore {
  readonly outbox: Outbox;
  /** False until the epoch of this run has begun: nothing can be sealed before, and no view be signed. */
  readonly hasKey: boolean;
  readonly erasing: Erasing;
  /**
   * Begins the epoch of this run; its event is durable when it returns. A full ledger has none yet: it hands out what it
   * has, and begins the epoch with the first room that there is. Fails: ledger/full if it is new.
   */
  start(isNew: boolean): void;
  append(drafts: readonly DraftMessage[], counters: Counters): void;
  /** True while `commit` has something to do now. */
  due(): boolean;
  /** One grouped commit of what waits. Fails: ledger/io, ledger/corrupt (the process must end). */
  commit(): void;
  rotateKey(): { readonly kid: string; readonly sequence: number };
  /** Hands [from, to] out again to a broker that has it. Gives how many. Fails: usage/invalid, usage/unknown-name. */
  replay(broker: string, from: number, to: number): number;
  /**
   * Saves what a damaged ledger holds, and tells what became of it. False: there was no room; see `readOn`.
   *
   * Takes:   what is wrong with the file; absent if it was told before.
   */
  salvage(file: Unsalvaged, what: string | undefined, rowsMax: number): boolean;
  /** Saves what found no room before, once all that did is delivered. Cost: reads such a file, if there is one. */
  readOn(): void;
  /** An event, or what is left of it, as it is given away in an export. */
  readonly givenAway: (event: SealedEvent) => SealedEvent;
  /** Destroys some delivered events that are older than they may be, as far as the clock can tell. True: there are more. */
  retain(): boolean;
  clockIs(state: ClockState): void;
  /** False while what waits finds no room. */
  hasRoom(): boolean;
  /** Makes sure that a COMMIT has returned within the last `withinMs`. */
  beat(withinMs: DurationMs): void;
  stats(): LedgerStats;
  /** Commits all that waits, moved cursors too. */
  flush(): void;
  /** Commits all that waits, and a checkpoint if anything came since the last. Gives the last sequence. */
  finish(counters: Counters): number;
}
