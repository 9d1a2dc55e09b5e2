import type { Commit, Range, StoredEvent, Unsalvaged } from "../ledger/index.ts";
import type { SealedEvent } from "../model/event.ts";
import { limits } from "../model/limits.ts";
import type { DurationMs } from "../model/units.ts";
import { canonicalize } from "../seal/index.ts";
import { commitCount } from "./commit-count.ts";
import type { LedgerCore, LedgerCoreOptions } from "./core-face.ts";
import { givenAway } from "./erased-line.ts";
import { createErasing, type Erasing, type Erasure, goingOf } from "./erasing.ts";
import type { ClockState, Counters, DraftMessage, LedgerStats } from "./messages.ts";
import { createOutbox, type Outbox } from "./outbox.ts";
import {
  checkpointOf,
  damagedNotice,
  gapOf,
  type OwnDraft,
  refusedNotice,
  rotatedNotice,
  untoldNotice,
} from "./own-records.ts";
import { checkReplay } from "./replay.ts";
import { createRetentions, type Retentions } from "./retention.ts";
import { createRoom, isNoSpace, noSpace, patience, type Room } from "./room.ts";
import { salvage } from "./salvage.ts";
import { noticeOf, recordsOf } from "./salvage-report.ts";
import { statsOf } from "./stats.ts";

/** Makes the core over an open ledger. Cost: one signature (24 µs) and one row per event, one fsync per commit. */
export function createLedgerCore(options: LedgerCoreOptions): LedgerCore {
  return new SealedLedger(options);
}

/** "own" may use the pages that are kept for records of the ledger's own; "tight" besides tells only what must be told. */
type Right = "intake" | "own" | "tight";

class SealedLedger implements LedgerCore {
  readonly outbox: Outbox;
  readonly erasing: Erasing;
  readonly givenAway = (event: SealedEvent): SealedEvent => givenAway(event, this.#core.chain, this.#core.options);
  readonly #core: LedgerCoreOptions;
  readonly #room: Room;
  readonly #retentions: Retentions;
  #waiting: DraftMessage[] = [];
  #counters: Counters = {};
  #checkpointAt: number;
  #checkpointSequence: number;
  #key = { kid: "", since: 0, sinceMonotonicMs: 0 };
  hasKey = false;
  #retryAt = 0;
  #areCursorsWritable = true;
  #hasRoom = true;
  #storedAt = Number.NEGATIVE_INFINITY;
  /** Records of the ledger's own that go into the next commit. */
  #untold: OwnDraft[] = [];
  #salvaged: Commit["salvaged"];
  #mayReadOn = false;
  #isFinishing = false;

  constructor(core: LedgerCoreOptions) {
    const { ledger, options, clock, tell } = core;
    this.#core = core;
    this.#retentions = createRetentions(ledger, options, clock);
    this.outbox = createOutbox({
      ledger,
      brokers: options.brokers,
      viewers: new Set(Object.keys(options.views ?? {})),
      clock,
      damaged: (ranges) => this.#foundDamaged(ranges),
    });
    this.#room = createRoom({ ledger, outbox: this.outbox, policy: options.whenFull, clock, tell });
    const [{ outbox }, retention] = [this, this.#retentions.core];
    this.erasing = createErasing({ ledger, outbox, retention, clock, commit: (erasure) => this.#erase(erasure) });
    this.#checkpointAt = clock.monotonicMs();
    this.#checkpointSequence = core.sealer.sequence();
  }

  start(isNew: boolean): void {
    if (isNew) this.#beginEpoch("new-ledger");
    else this.#tryEpoch("start");
    this.#checkpointSequence = this.#core.sealer.sequence();
  }

  append(drafts: readonly DraftMessage[], counters: Counters): void {
    for (const draft of drafts) this.#waiting.push(draft);
    this.#counters = counters;
  }

  due(): boolean {
    // What brokers acknowledged is written down all the while, or a full ledger drains a window a second.
    if (!this.#isRoom()) return this.#areCursorsWritable && this.outbox.due();
    if (this.#waiting.length > 0 || this.#untold.length > 0 || this.outbox.due()) return true;
    return !this.hasKey || this.#isCheckpointDue(0);
  }

  commit(): void {
    this.#ageKey();
    if (!this.due()) return;
    if (this.#isRoom()) this.#commitOnce([]);
    else this.#storeCursors();
    if (this.#mayReadOn) this.readOn();
  }

  rotateKey(): { kid: string; sequence: number } {
    // What was handed over before is signed by the key before; what finds no room now, by the next.
    while (this.hasKey && this.#waiting.length > 0) if (!this.#commitOnce([])) break;
    return this.#beginEpoch(this.hasKey ? "rotation" : "start");
  }

  replay(broker: string, from: number, to: number): number {
    const { ledger, options } = this.#core;
    checkReplay({ broker, from, to }, ledger.extent(), options.brokers);
    return this.outbox.replay(broker, from, to) ?? 0;
  }

  retain(): boolean {
    const expired = this.#retentions.all.expired();
    if (expired === undefined || !this.#room.expire(expired)) return false;
    return this.#commitOnce([]) && this.#room.isExpiring();
  }

  clockIs(state: ClockState): void {
    this.#retentions.clockIs(state);
  }

  hasRoom(): boolean {
    return this.#hasRoom;
  }

  beat(withinMs: DurationMs): void {
    // A full ledger refuses the beat too, but it answers: a new process would change nothing about it.
    if (this.#core.clock.monotonicMs() - this.#storedAt >= withinMs) this.#store([], [], "tight", true);
  }

  stats(): LedgerStats {
    const { ledger } = this.#core;
    return statsOf({ ledger, room: this.#room, outbox: this.outbox, key: this.#key, hasRoom: this.#hasRoom });
  }

  flush(): void {
    this.#retryAt = 0;
    while (this.#waiting.length > 0) if (!this.#commitOnce([])) break;
    if (this.#waiting.length === 0) this.#commitOnce([]);
    else if (this.#isFinishing) {
      // Not even the gap found room.
      this.#room.lose(this.#waiting.length);
      this.#core.tell(untoldNotice(this.#waiting.length));
      this.#waiting = [];
    }
  }

  finish(counters: Counters): number {
    const { sealer } = this.#core;
    this.#counters = counters;
    this.#isFinishing = true;
    this.#retryAt = 0;
    const untilMs = this.#core.clock.monotonicMs() + limits.finishMsMax;
    while (this.#waiting.length > 0 && this.#core.clock.monotonicMs() < untilMs) if (!this.#commitOnce([])) break;
    this.#tellRefused();
    this.#commitOnce([]);
    const isNews = sealer.sequence() > this.#checkpointSequence;
    if (isNews && this.#commitOnce([this.#checkpoint()])) this.#checkpointSequence = sealer.sequence();
    return sealer.sequence();
  }

  salvage({ file, reached: from }: Unsalvaged, what: string | undefined, rowsMax: number): boolean {
    const { ledger, options, tell } = this.#core;
    const settled = (broker: string, id: number): void => this.outbox.salvaged(broker, id);
    const report = salvage(file, { ledger, brokers: options.brokers, from, rowsMax, settled });
    this.outbox.salvageDone();
    const isFurther = report.reached !== from;
    if (!isFurther && what === undefined) return false;
    // Where there is no room for it now, it goes with the first commit that finds some.
    this.#untold.push(...recordsOf(report, what));
    this.#salvaged = { file, reached: report.reached };
    // What found no room at all is tried again by retention's clock, or each commit would read the file.
    this.#mayReadOn = isFurther;
    tell(noticeOf(report, what));
    return this.#commitOnce([]);
  }

  /** Saves what found no room before, once all that did is delivered. */
  readOn(): void {
    const { ledger } = this.#core;
    this.#mayReadOn = false;
    if (ledger.salvaged.count() > 0 || this.#salvaged !== undefined || !this.#isRoom()) return;
    const [file] = ledger.unsalvaged();
    if (file !== undefined) this.salvage(file, undefined, patience.readOnRowsMax);
  }

  /** What is damaged on the disk is skipped, counted and told; the rest goes on. */
  #foundDamaged(ranges: readonly Range[]): void {
    this.#core.ledger.doubt();
    for (const [from, to] of ranges) {
      this.#untold.push(gapOf("damaged", to - from + 1, String(from), String(to)));
      this.#core.tell(damagedNotice([from, to]));
    }
  }

  #isRoom(): boolean {
    return this.#core.clock.monotonicMs() >= this.#retryAt;
  }

  /** At a stop, what found no room, or no time, is told by a gap: the pages kept for that still take it. */
  #tellRefused(): void {
    const refused = this.#waiting;
    if (refused.length === 0) return;
    const [from, to] = [refused[0]!.at, refused[refused.length - 1]!.at].map((at) => new Date(at).toISOString());
    const reason = this.#hasRoom ? "stopped" : "queue-full";
    const events = this.#store([], [gapOf(reason, refused.length, from!, to!)], "own");
    // Without room for it they wait for the last flush, which comes yet.
    if (events === "full") return;
    this.#waiting = [];
    this.#room.lose(refused.length);
    this.#core.committed(events, refused.length);
    this.#core.tell(refusedNotice(refused.length, !this.#hasRoom));
  }

  #checkpoint(): OwnDraft {
    const { sealer, options } = this.#core;
    const lostCount = (): number => this.#room.lostCount();
    return checkpointOf({ sealer, outbox: this.outbox, counters: () => this.#counters, lostCount }, options.policy);
  }

  #isCheckpointDue(newCount: number): boolean {
    if (this.#core.clock.monotonicMs() - this.#checkpointAt >= limits.checkpointIntervalMs) return true;
    return this.#core.sealer.sequence() + newCount - this.#checkpointSequence >= limits.checkpointEventsMax;
  }

  /** Up to one commit's worth of what waits. False: there is no room, and the drafts wait. */
  #commitOnce(own: readonly OwnDraft[]): boolean {
    const { clock, sealer, committed } = this.#core;
    if (!this.hasKey && !this.#tryEpoch("start")) {
      if (this.outbox.changed().size > 0) this.#storeCursors();
      return false;
    }
    // At a stop brokers wait for nothing, and a flush may take a second.
    const eventsMax = this.#isFinishing ? this.#waiting.length : limits.commitEventsMax;
    const drafts = this.#waiting.slice(0, commitCount(this.#waiting, eventsMax));
    const isCheckpoint = this.#isCheckpointDue(drafts.length);
    for (let attempt = 0; ; attempt += 1) {
      // A checkpoint a minute would use up what is kept for the next start; the last one, with what is untold, may.
      const isOwn = this.#isFinishing || this.#salvaged !== undefined || !isCheckpoint;
      const right = drafts.length === 0 && isOwn ? "own" : "intake";
      const told = [...this.#untold, ...own];
      const events = this.#store(drafts, isCheckpoint ? [...told, this.#checkpoint()] : told, right);
      if (events !== "full") {
        if (isCheckpoint) {
          this.#checkpointAt = clock.monotonicMs();
          this.#checkpointSequence = sealer.sequence();
        }
        this.#untold = this.#untold.slice(told.length - own.length);
        this.#waiting = this.#waiting.slice(drafts.length);
        if (drafts.length > 0 || this.#waiting.length === 0) this.#hasRoom = true;
        committed(events, drafts.length);
        return true;
      }
      const next = attempt < patience.roomAttemptsMax ? this.#room.make(drafts, !this.hasKey) : "wait";
      if (next === "retry") continue;
      if (next === "drop") {
        this.#waiting = this.#waiting.slice(drafts.length);
        committed([], drafts.length);
      }
      this.#room.giveUp();
      // What brokers acknowledged is written down also when nothing new finds room.
      if (this.outbox.changed().size > 0) this.#storeCursors();
      this.#waitForRoom();
      return false;
    }
  }

  #waitForRoom(): void {
    this.#retryAt = this.#core.clock.monotonicMs() + patience.fullRetryMs;
    this.#hasRoom = false;
  }

  /** Only what brokers acknowledged. If not even that finds room, it waits as the rest does. */
  #storeCursors(): void {
    this.#areCursorsWritable = this.#store([], [], "tight") !== "full";
  }

  /** Erases, and tells it, in a commit of its own. */
  #erase(erasure: Erasure): boolean {
    const events = this.#store([], erasure.records, "own", false, erasure);
    if (events === "full") return false;
    this.outbox.erased(erasure.erased.map(({ sequence }) => sequence));
    if (erasure.unsaved.length > 0) this.outbox.salvageDone();
    this.#core.committed(events, 0);
    return true;
  }

  /** Seals and commits. "full": nothing happened, and the sealer stands where it stood. */
  #store(
    drafts: readonly DraftMessage[],
    own: readonly OwnDraft[],
    right: Right,
    isBeat = false,
    erasure?: Erasure,
  ): StoredEvent[] | "full" {
    const { ledger, sealer, chain } = this.#core;
    if (!this.hasKey && drafts.length + own.length > 0) return "full";
    const before = sealer.state();
    const records = this.hasKey ? this.#room.records(right === "tight") : [];
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
      added: this.outbox.added(),
      refused: this.outbox.refused(),
      counts: this.outbox.counts(),
      destroyTo: this.#room.destroyTo(),
      ...goingOf(this.#room.destroyed(), erasure),
      isSalvageOver,
      ...(this.#salvaged === undefined ? {} : { salvaged: this.#salvaged }),
      lostCount: this.#room.lostCount(),
      isOwn: right !== "intake",
      isLast: this.#isFinishing && this.#core.options.whenFull === "stop-reading",
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
    this.#mayReadOn ||= isSalvageOver;
    this.#salvaged = undefined;
    this.#room.stored();
    return events;
  }

  #seal(draft: DraftMessage): StoredEvent {
    const { sequence, kind, subject, bytes } = this.#core.sealer.seal(draft);
    return { sequence, kind, subject, bytes, at: draft.at };
  }

  #sealOwn({ kind, data }: OwnDraft): StoredEvent {
    return this.#seal({ kind, subject: undefined, at: this.#core.clock.wallMs(), data: canonicalize(data()) });
  }

  /** Begins an epoch with a key of its own; what waits is signed by that key. */
  #beginEpoch(reason: "start" | "rotation" | "new-ledger"): { kid: string; sequence: number } {
    const { sealer, clock, beginEpoch, committed } = this.#core;
    const sequence = sealer.sequence() + 1;
    const { kid, data, revert } = beginEpoch(sequence, reason);
    const hadKey = this.hasKey;
    this.hasKey = true;
    const first: DraftMessage = { kind: "epoch", subject: undefined, at: clock.wallMs(), data: canonicalize(data) };
    for (let attempt = 0; ; attempt += 1) {
      const events = this.#store([first], [], "own");
      if (events !== "full") {
        committed(events, 0);
        break;
      }
      if (attempt < patience.roomAttemptsMax && this.#room.make([], !hadKey) === "retry") continue;
      this.#room.giveUp();
      revert();
      this.hasKey = hadKey;
      throw noSpace();
    }
    this.#key = { kid, since: first.at, sinceMonotonicMs: clock.monotonicMs() };
    this.#retentions.all.passed(sequence);
    return { kid, sequence };
  }

  /** Begins an epoch if there is room for it; otherwise the key before signs on, or nothing does. */
  #tryEpoch(reason: "start" | "rotation"): boolean {
    try {
      this.#beginEpoch(reason);
      return true;
    } catch (error) {
      if (!isNoSpace(error)) throw error;
      // The old key signs on, and it is tried again in a minute; without a key nothing can come in.
      if (reason === "rotation") this.#key.sinceMonotonicMs += patience.rotationRetryMs;
      else this.#waitForRoom();
      return false;
    }
  }

  #ageKey(): void {
    const { clock, tell } = this.#core;
    if (clock.monotonicMs() - this.#key.sinceMonotonicMs < limits.epochKeyMs) return;
    if (!this.hasKey || !this.#isRoom()) return;
    if (this.#tryEpoch("rotation")) tell(rotatedNotice(this.#key.kid));
  }
}
