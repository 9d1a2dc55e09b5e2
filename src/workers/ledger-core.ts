import type { Ledger, Range, StoredEvent } from "../ledger/index.ts";
import type { Clock } from "../lib/clock.ts";
import { SortgateError } from "../model/error.ts";
import type { EventKind, Json } from "../model/event.ts";
import { limits } from "../model/limits.ts";
import type { Tell } from "../model/notice.ts";
import type { DurationMs } from "../model/units.ts";
import { canonicalize, type Sealer } from "../seal/index.ts";
import { commitCount } from "./commit-count.ts";
import type { BeginEpoch } from "./epoch.ts";
import type { ClockState, Counters, DraftMessage, LedgerOptions, LedgerStats } from "./messages.ts";
import { createOutbox, type Outbox } from "./outbox.ts";
import { createRetention, type Retention } from "./retention.ts";
import { createRoom, noSpace, type Room } from "./room.ts";
import { salvage } from "./salvage.ts";
import { noticeOf, recordsOf } from "./salvage-report.ts";

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
  /** Begins the epoch of this run; the first event of the run is durable when it returns. */
  start(isNew: boolean): void;
  append(drafts: readonly DraftMessage[], counters: Counters): void;
  /** True while `commit` has something to do now. */
  due(): boolean;
  /** One grouped commit of what waits. Fails: ledger/io, ledger/corrupt (the process must end). */
  commit(): void;
  rotateKey(): { readonly kid: string; readonly sequence: number };
  /** Hands [from, to] out again to a broker that has it. Gives how many. Fails: usage/invalid, usage/unknown-name. */
  replay(broker: string, from: number, to: number): number;
  /** Saves what a damaged ledger holds, and tells what became of it. To be called behind `start`. Fails: ledger/full. */
  salvage(file: string, what: string): void;
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

interface OwnDraft {
  readonly kind: EventKind;
  /** Called when the events before it are sealed, so that it can tell of them. */
  readonly data: () => Json;
}

/** Makes the core over an open ledger. Cost: one signature (24 µs) and one row per event, one fsync per commit. */
export function createLedgerCore(options: LedgerCoreOptions): LedgerCore {
  return new SealedLedger(options);
}

/** A full ledger is asked for room this often before the drafts must wait. */
const roomAttemptsMax = 8;
const fullRetryMs = 1_000;

/** "own" may use the pages that are kept for records of the ledger's own; "tight" besides tells only what must be told. */
type Right = "intake" | "own" | "tight";

class SealedLedger implements LedgerCore {
  readonly outbox: Outbox;
  readonly #core: LedgerCoreOptions;
  readonly #room: Room;
  readonly #retention: Retention;
  #waiting: DraftMessage[] = [];
  #counters: Counters = {};
  #checkpointAt: number;
  #checkpointSequence: number;
  #key = { kid: "", since: 0, sinceMonotonicMs: 0 };
  #retryAt = 0;
  #areCursorsWritable = true;
  #hasRoom = true;
  #storedAt = Number.NEGATIVE_INFINITY;
  /** Records of the ledger's own that go into the next commit. */
  #untold: OwnDraft[] = [];
  #salvagedFile: string | undefined;
  #isFinishing = false;

  constructor(core: LedgerCoreOptions) {
    const { ledger, options, clock, tell } = core;
    this.#core = core;
    const { last } = ledger.extent();
    const lastAt = last === 0 ? 0 : (ledger.readEach(last, last)[0]?.at ?? 0);
    this.#retention = createRetention({ clock, retainMs: options.retainMs, lastAt, last });
    this.outbox = createOutbox({
      ledger,
      brokers: options.brokers,
      clock,
      damaged: (ranges) => this.#foundDamaged(ranges),
    });
    this.#room = createRoom({ ledger, outbox: this.outbox, policy: options.whenFull, clock, tell });
    this.#checkpointAt = clock.monotonicMs();
    this.#checkpointSequence = core.sealer.state().sequence;
  }

  start(isNew: boolean): void {
    this.#beginEpoch(isNew ? "new-ledger" : "start");
    this.#checkpointSequence = this.#core.sealer.state().sequence;
  }

  append(drafts: readonly DraftMessage[], counters: Counters): void {
    for (const draft of drafts) this.#waiting.push(draft);
    this.#counters = counters;
  }

  due(): boolean {
    // What brokers acknowledged is written down all the while, or a full ledger drains a window a second.
    if (!this.#isRoom()) return this.#areCursorsWritable && this.outbox.due();
    return this.#waiting.length > 0 || this.#untold.length > 0 || this.outbox.due() || this.#isCheckpointDue(0);
  }

  commit(): void {
    this.#ageKey();
    if (!this.due()) return;
    if (this.#isRoom()) this.#commitOnce([]);
    else this.#storeCursors();
  }

  rotateKey(): { kid: string; sequence: number } {
    return this.#beginEpoch("rotation");
  }

  replay(broker: string, from: number, to: number): number {
    const { first, last } = this.#core.ledger.extent();
    if (from > to)
      throw new SortgateError("usage/invalid", "The range ends before it begins", { hint: "--from 1 --to 100" });
    if (from < first || to > last)
      throw new SortgateError("usage/invalid", `Events ${from} to ${to} are not all on disk`, {
        hint: `a range within ${first} to ${last}; what is older is gone`,
      });
    const count = this.outbox.replay(broker, from, to);
    if (count === undefined)
      throw new SortgateError("usage/unknown-name", `There is no broker "${broker}" in the config`, {
        hint: `one of ${this.#core.options.brokers.join(", ")}`,
      });
    return count;
  }

  retain(): boolean {
    const expired = this.#retention.expired();
    if (expired === undefined || !this.#room.expire(expired)) return false;
    return this.#commitOnce([]) && this.#room.isExpiring();
  }

  clockIs(state: ClockState): void {
    this.#retention.clockIs(state);
  }

  hasRoom(): boolean {
    return this.#hasRoom;
  }

  beat(withinMs: DurationMs): void {
    // A full ledger refuses the beat too, but it answers: a new process would change nothing about it.
    if (this.#core.clock.monotonicMs() - this.#storedAt >= withinMs) this.#store([], [], "tight", true);
  }

  stats(): LedgerStats {
    return {
      ...this.#core.ledger.extent(),
      lostCount: this.#room.lostCount(),
      kid: this.#key.kid,
      keySince: this.#key.since,
      brokers: this.outbox.stats(),
    };
  }

  flush(): void {
    this.#retryAt = 0;
    while (this.#waiting.length > 0) if (!this.#commitOnce([])) return;
    this.#commitOnce([]);
  }

  finish(counters: Counters): number {
    const { sealer } = this.#core;
    this.#counters = counters;
    this.#isFinishing = true;
    this.flush();
    this.#tellRefused();
    const isNews = sealer.state().sequence > this.#checkpointSequence;
    if (isNews && this.#commitOnce([this.#checkpoint()])) this.#checkpointSequence = sealer.state().sequence;
    return sealer.state().sequence;
  }

  salvage(file: string, what: string): void {
    const { ledger, options } = this.#core;
    const settled = (broker: string, id: number): void => this.outbox.salvaged(broker, id);
    const report = salvage(file, { ledger, brokers: options.brokers, settled });
    this.#untold.push(...recordsOf(report, what));
    this.#salvagedFile = file;
    if (!this.#commitOnce([])) throw noSpace();
    this.#salvagedFile = undefined;
    this.outbox.salvageDone();
    this.#core.tell(noticeOf(report, what));
  }

  /** What is damaged on the disk is skipped, counted and told; the rest goes on. */
  #foundDamaged(ranges: readonly Range[]): void {
    this.#core.ledger.doubt();
    for (const [from, to] of ranges) {
      const data = { reason: "damaged", count: to - from + 1, from: String(from), to: String(to) };
      this.#untold.push({ kind: "gap", data: () => data });
      this.#core.tell({
        name: "ledger/damaged",
        level: "error",
        message: `Events ${from} to ${to} are damaged on the disk and are not sent; the chain says so. Check the disk: dmesg, smartctl -a`,
        fields: { from, to },
      });
    }
  }

  #isRoom(): boolean {
    return this.#core.clock.monotonicMs() >= this.#retryAt;
  }

  /** At a stop, what found no room is told by a gap: the pages kept for that still take it. */
  #tellRefused(): void {
    const refused = this.#waiting;
    if (refused.length === 0) return;
    const [from, to] = [refused[0]!.at, refused[refused.length - 1]!.at].map((at) => new Date(at).toISOString());
    const data = { reason: "queue-full", count: refused.length, from: from!, to: to! };
    const events = this.#store([], [{ kind: "gap", data: () => data }], "own");
    // Without room for it they wait for the last flush, which comes yet.
    if (events === "full") return;
    this.#waiting = [];
    this.#room.lose(refused.length);
    this.#core.committed(events, refused.length);
    const message = "What waited found no room and is lost; the chain says so. Raise queue.bytes_max, or free the disk";
    this.#core.tell({ name: "ledger/full", level: "error", message, fields: { lost: refused.length } });
  }

  /** What a checkpoint tells; read when the events before it are sealed. */
  #checkpoint(): OwnDraft {
    return {
      kind: "checkpoint",
      data: () => {
        const size = this.#core.sealer.state().sequence;
        const brokers = this.outbox.balances(size);
        return {
          counters: { ...this.#counters, lost: this.#room.lostCount(), brokers },
          delivered: this.outbox.delivered(),
          root: this.#core.sealer.root(),
          size,
        };
      },
    };
  }

  #isCheckpointDue(newCount: number): boolean {
    if (this.#core.clock.monotonicMs() - this.#checkpointAt >= limits.checkpointIntervalMs) return true;
    return this.#core.sealer.state().sequence + newCount - this.#checkpointSequence >= limits.checkpointEventsMax;
  }

  /** Up to one commit's worth of what waits. False: there is no room, and the drafts wait. */
  #commitOnce(own: readonly OwnDraft[]): boolean {
    const { clock, sealer, committed } = this.#core;
    const drafts = this.#waiting.slice(0, commitCount(this.#waiting));
    const isCheckpoint = this.#isCheckpointDue(drafts.length);
    for (let attempt = 0; ; attempt += 1) {
      // A checkpoint a minute would use up what is kept for the next start; the last one, with what is untold, may.
      const right = drafts.length === 0 && (this.#isFinishing || !isCheckpoint) ? "own" : "intake";
      const told = [...this.#untold, ...own];
      const events = this.#store(drafts, isCheckpoint ? [...told, this.#checkpoint()] : told, right);
      if (events !== "full") {
        if (isCheckpoint) {
          this.#checkpointAt = clock.monotonicMs();
          this.#checkpointSequence = sealer.state().sequence;
        }
        this.#untold = this.#untold.slice(told.length - own.length);
        this.#waiting = this.#waiting.slice(drafts.length);
        if (drafts.length > 0 || this.#waiting.length === 0) this.#hasRoom = true;
        committed(events, drafts.length);
        return true;
      }
      const next = attempt < roomAttemptsMax ? this.#room.make(drafts) : "wait";
      if (next === "retry") continue;
      if (next === "drop") {
        this.#waiting = this.#waiting.slice(drafts.length);
        committed([], drafts.length);
      }
      this.#room.giveUp();
      // What brokers acknowledged is written down also when nothing new finds room.
      if (this.outbox.changed().size > 0) this.#storeCursors();
      this.#retryAt = clock.monotonicMs() + fullRetryMs;
      this.#hasRoom = false;
      return false;
    }
  }

  /** Only what brokers acknowledged. If not even that finds room, it waits as the rest does. */
  #storeCursors(): void {
    this.#areCursorsWritable = this.#store([], [], "tight") !== "full";
  }

  /** Seals and commits. "full": nothing happened, and the sealer stands where it stood. */
  #store(
    drafts: readonly DraftMessage[],
    own: readonly OwnDraft[],
    right: Right,
    isBeat = false,
  ): StoredEvent[] | "full" {
    const { ledger, sealer, chain } = this.#core;
    const before = sealer.state();
    const records = this.#room.records(right === "tight").map(({ kind, data }) => ({ kind, data: () => data }));
    const events = [
      ...drafts.map((draft) => this.#seal(draft)),
      ...[...records, ...own].map((draft) => this.#sealOwn(draft)),
    ];
    this.#core.sealed();
    const isSalvageOver = this.outbox.isSalvageOver();
    const stored = ledger.commit({
      events,
      chain: { chain, ...sealer.state() },
      settled: this.outbox.changed(),
      refused: this.outbox.refused(),
      counts: this.outbox.counts(),
      destroyTo: this.#room.destroyTo(),
      isSalvageOver,
      ...(this.#salvagedFile === undefined ? {} : { salvagedFile: this.#salvagedFile }),
      lostCount: this.#room.lostCount(),
      isOwn: right !== "intake",
      isBeat,
    });
    if (stored === "full") {
      sealer.restore(before);
      return "full";
    }
    this.#areCursorsWritable = true;
    this.#storedAt = this.#core.clock.monotonicMs();
    this.outbox.stored(events);
    if (isSalvageOver) this.outbox.salvageDone();
    this.#room.stored();
    return events;
  }

  #seal(draft: DraftMessage): StoredEvent {
    return { ...this.#core.sealer.seal(draft), at: draft.at };
  }

  #sealOwn({ kind, data }: OwnDraft): StoredEvent {
    return this.#seal({ kind, subject: undefined, at: this.#core.clock.wallMs(), data: canonicalize(data()) });
  }

  /** Makes durable what the old key signed, then begins an epoch with a key of its own. */
  #beginEpoch(reason: "start" | "rotation" | "new-ledger"): { kid: string; sequence: number } {
    const { sealer, clock, beginEpoch, committed } = this.#core;
    // What does not find room now is signed by the next key: its place in the chain comes with its commit.
    while (this.#waiting.length > 0) if (!this.#commitOnce([])) break;
    const sequence = sealer.state().sequence + 1;
    const { kid, data, revert } = beginEpoch(sequence, reason);
    const first: DraftMessage = { kind: "epoch", subject: undefined, at: clock.wallMs(), data: canonicalize(data) };
    for (let attempt = 0; ; attempt += 1) {
      const events = this.#store([first], [], "own");
      if (events !== "full") {
        committed(events, 0);
        break;
      }
      if (attempt < roomAttemptsMax && this.#room.make([]) === "retry") continue;
      this.#room.giveUp();
      revert();
      throw noSpace();
    }
    this.#key = { kid, since: first.at, sinceMonotonicMs: clock.monotonicMs() };
    this.#retention.passed(sequence);
    return { kid, sequence };
  }

  #ageKey(): void {
    const { clock, tell } = this.#core;
    if (clock.monotonicMs() - this.#key.sinceMonotonicMs < limits.epochKeyMs || !this.#isRoom()) return;
    const { kid } = this.#beginEpoch("rotation");
    tell({ name: "key/rotated", level: "info", message: "A new epoch key signs from here on", fields: { kid } });
  }
}
