import {
  type BrokerCounts,
  type Cursor,
  countOf,
  createCursor,
  type Ledger,
  type Range,
  type StoredEvent,
} from "../ledger/index.ts";
import type { Clock } from "../lib/clock.ts";
import type { Json } from "../model/event.ts";
import { limits } from "../model/limits.ts";
import type { MonotonicMs } from "../model/units.ts";
import type { LedgerStats, RefusalMessage } from "./messages.ts";
import { createRefusals, type Refusals } from "./refusals.ts";

/** The name under which a broker's cursor in the list of salvaged events is stored; no broker can have it. */
export function salvageKey(broker: string): string {
  return `salvaged/${broker}`;
}

/** One broker's place in the outbox: its cursor, and what became of the events that it needs no more. */
export class Slot {
  readonly cursor: Cursor;
  /** Its cursor in the list of salvaged events, by their id. */
  readonly salvage: Cursor;
  /** What the broker will never take, as it said so itself. */
  readonly refusals: Refusals;
  readonly #clock: Clock;
  readonly #lost: Map<string, number>;
  #deliveredCount: number;
  #replay: Range | undefined;
  #unwrittenCount = 0;
  #unwrittenSince: MonotonicMs = 0;
  #isHeldUp = false;
  /** What came into the cursor and is not written yet; absent if something was taken away. */
  #added: Range[] | undefined = [];

  constructor(ledger: Ledger, broker: string, clock: Clock) {
    this.#clock = clock;
    this.refusals = createRefusals(ledger, broker, clock);
    const stored = ledger.cursor(broker);
    const counts = ledger.counts(broker);
    this.cursor = createCursor(stored);
    this.salvage = createCursor(ledger.cursor(salvageKey(broker)));
    this.#deliveredCount = counts?.delivered ?? countOf(stored);
    this.#lost = new Map(Object.entries(counts?.lost ?? {}));
    // Events may be gone whose going the cursor does not know yet; a broker that is new never gets what went before.
    const { first } = ledger.extent();
    if (first > 1) this.lose(1, first - 1, stored.length === 0 ? "before-joining" : "queue-full");
  }

  connect(head: number, salvagedLast: number): void {
    this.cursor.begin(head);
    this.salvage.begin(salvagedLast);
  }

  /** What came into the cursor since it was written; absent if something was taken away. */
  added(): readonly Range[] | undefined {
    return this.#added;
  }

  delivered(sequence: number): void {
    const count = this.#settle(sequence);
    this.#deliveredCount += count;
    this.#moved(count);
  }

  /** The broker has a salvaged event, or will never take it. */
  saved(id: number): void {
    this.#moved(this.salvage.settle(id));
  }

  refuse(refusal: RefusalMessage): void {
    const count = this.#settle(refusal.sequence);
    if (count > 0) this.refusals.add(refusal);
    this.#moved(count);
  }

  /** The broker will never take a salvaged event: it stands in the list, but is none of those that this chain counts. */
  refuseSaved({ sequence, reason }: RefusalMessage, event: StoredEvent | undefined): void {
    const count = this.salvage.settle(-sequence);
    const place = event?.origin === undefined ? "" : ` (event ${event.origin.sequence} of chain ${event.origin.chain})`;
    if (count > 0) this.refusals.add({ sequence, reason: `${reason}${place}` });
    this.#moved(count);
  }

  /** The broker will never have [from, to], as far as it does not have them. Gives how many. */
  lose(from: number, to: number, reason: string): number {
    const count = this.#settle(from, to);
    if (count > 0) this.#lost.set(reason, (this.#lost.get(reason) ?? 0) + count);
    this.#moved(count);
    return count;
  }

  /** Hands out again what the broker has of [from, to], but for what it refused and what is `erased`. Gives how many. */
  replay(from: number, to: number, erased: Iterable<Range>): number {
    let count = countOf(this.cursor.reopen(from, to));
    this.#added = undefined;
    for (const { sequence } of this.refusals.list())
      if (sequence >= from && sequence <= to) count -= this.cursor.settle(sequence);
    for (const [first, last] of erased) count -= this.cursor.settle(first, last);
    this.#deliveredCount -= count;
    this.#replay = [from, to];
    this.#moved(count);
    return count;
  }

  counts(): BrokerCounts {
    return { delivered: this.#deliveredCount, lost: Object.fromEntries(this.#lost) };
  }

  /** Events = delivered + queued + refused + lost by reason, up to `sequence`. */
  balance(sequence: number): { readonly [member: string]: Json } {
    const { refusedCount: refused } = this.refusals.stats();
    return { ...this.counts(), queued: this.cursor.queued(sequence), refused };
  }

  /**
   * How many of `wanted` events may be handed out.
   *
   * A crash repeats what is in flight and what was settled and is not written yet: together no more than the window.
   * A disk that takes no cursor holds up nothing for long: more repeats are better than a jam.
   */
  granted(wanted: number): number {
    const waitedMs = this.#clock.monotonicMs() - this.#unwrittenSince;
    if (this.#unwrittenCount === 0 || waitedMs >= limits.settleHoldMsMax) return wanted;
    const granted = Math.max(0, wanted - this.#unwrittenCount);
    if (granted === 0 && wanted > 0) this.#isHeldUp = true;
    return granted;
  }

  isMoved(): boolean {
    return this.#unwrittenCount > 0;
  }

  /** True when the cursor should be written although nothing else is. */
  isDue(): boolean {
    if (this.#unwrittenCount >= limits.settleCountMax || this.#isHeldUp) return true;
    return this.#unwrittenCount > 0 && this.#clock.monotonicMs() - this.#unwrittenSince >= limits.settleDelayMs;
  }

  written(): void {
    this.#unwrittenCount = 0;
    this.#isHeldUp = false;
    this.#added = [];
    this.refusals.stored();
  }

  stats(head: number, salvagedLast: number): Omit<LedgerStats["brokers"][number], "name" | "oldestAt"> {
    const { delivered, lost } = this.counts();
    const replay = this.#replayLeft();
    return {
      queuedCount: this.cursor.queued(head),
      deliveredTo: this.cursor.contiguous(),
      deliveredCount: delivered,
      lostCount: lost,
      salvagedCount: this.salvage.queued(salvagedLast),
      ...this.refusals.stats(),
      ...(replay === undefined ? {} : { replay }),
    };
  }

  /** What is left of a replay; it is over when nothing is. */
  #replayLeft(): LedgerStats["brokers"][number]["replay"] {
    if (this.#replay === undefined) return undefined;
    const [from, to] = this.#replay;
    const leftCount = this.cursor.queued(to) - this.cursor.queued(from - 1);
    if (leftCount > 0) return { from, to, leftCount };
    this.#replay = undefined;
    return undefined;
  }

  #settle(from: number, to = from): number {
    const count = this.cursor.settle(from, to);
    if (count > 0) this.#added?.push([from, to]);
    return count;
  }

  #moved(count: number): void {
    if (count === 0) return;
    if (this.#unwrittenCount === 0) this.#unwrittenSince = this.#clock.monotonicMs();
    this.#unwrittenCount += count;
  }
}
