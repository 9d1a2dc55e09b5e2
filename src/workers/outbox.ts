import {
  type Cursor,
  createCursor,
  type Ledger,
  type NewlyRefused,
  type Range,
  type StoredEvent,
} from "../ledger/index.ts";
import type { Clock } from "../lib/clock.ts";
import { limits } from "../model/limits.ts";
import type { LedgerStats, RefusalMessage } from "./messages.ts";
import { createRefusals, type Refusals } from "./refusals.ts";

/** Who gets which event next. Keeps the cursors of all brokers, and recent events at hand so that live ones need no disk. */
export interface Outbox {
  /** A broker begins a connection: what it did not acknowledge is handed out again. */
  connect(broker: string): void;
  /** Up to `max` events for a broker, newest business first (see `Cursor`). */
  lease(broker: string, max: number): StoredEvent[];
  /** The broker has these for good, or will never take those of them that are `refused`. */
  settle(broker: string, sequences: readonly number[], refused?: readonly RefusalMessage[]): void;
  /** Tells that events up to `sequence` are gone: nobody is to be handed them any more. */
  destroyed(sequence: number): void;
  /** How many events up to `sequence` some broker does not have. */
  undeliveredUpTo(sequence: number): number;
  /** Highest sequence that every broker has. */
  deliveredByAll(): number;
  /** Highest contiguous sequence per broker. */
  delivered(): Record<string, number>;
  /** Cursors that moved since the last commit. */
  changed(): ReadonlyMap<string, readonly Range[]>;
  /** What brokers refused for good since the last commit. */
  refused(): ReadonlyMap<string, NewlyRefused>;
  /** True when moved cursors should be written although nothing else is. */
  due(): boolean;
  /** A commit returned: these events are durable, and so are the cursors that `changed` gave. */
  stored(events: readonly StoredEvent[]): void;
  stats(): LedgerStats["brokers"];
}

interface Slot {
  readonly cursor: Cursor;
  readonly refusals: Refusals;
  unwrittenCount: number;
  unwrittenSince: number;
}

/** The newest committed events, oldest first, bounded by bytes. */
function createRecent(bytesMax: number): {
  add(events: readonly StoredEvent[]): void;
  get(sequence: number): StoredEvent | undefined;
} {
  let events: (StoredEvent | undefined)[] = [];
  let head = 0;
  let byteCount = 0;
  return {
    add(added) {
      for (const event of added) {
        events.push(event);
        byteCount += event.bytes.length;
      }
      while (byteCount > bytesMax && head < events.length) {
        byteCount -= events[head]!.bytes.length;
        events[head] = undefined;
        head += 1;
      }
      if (head > 4_096 && head * 2 > events.length) {
        events = events.slice(head);
        head = 0;
      }
    },
    get(sequence) {
      const first = events[head]?.sequence;
      return first === undefined || sequence < first ? undefined : events[head + sequence - first];
    },
  };
}

interface OutboxOptions {
  readonly ledger: Ledger;
  readonly brokers: readonly string[];
  readonly clock: Clock;
}

function openSlots({ ledger, brokers, clock }: OutboxOptions): Map<string, Slot> {
  const { first } = ledger.extent();
  const slots = new Map<string, Slot>();
  for (const broker of brokers) {
    const cursor = createCursor(ledger.cursor(broker));
    if (first > 1) cursor.settle(1, first - 1);
    const refusals = createRefusals(ledger, broker, clock);
    slots.set(broker, { cursor, refusals, unwrittenCount: 0, unwrittenSince: 0 });
  }
  return slots;
}

export function createOutbox(options: OutboxOptions): Outbox {
  const { ledger, clock } = options;
  const recent = createRecent(limits.recentBytesMax);
  let head = ledger.extent().last;
  const slots = openSlots(options);

  function fetch([from, to]: Range): StoredEvent[] {
    if (recent.get(from) === undefined) return ledger.read(from, to, Number.POSITIVE_INFINITY);
    const events: StoredEvent[] = [];
    for (let sequence = from; sequence <= to; sequence += 1) events.push(recent.get(sequence)!);
    return events;
  }

  function moved(slot: Slot, count: number): void {
    if (count === 0) return;
    if (slot.unwrittenCount === 0) slot.unwrittenSince = clock.monotonicMs();
    slot.unwrittenCount += count;
  }

  /** False: it was settled before. */
  function settleOne(slot: Slot, sequence: number): boolean {
    const count = slot.cursor.settle(sequence);
    moved(slot, count);
    return count > 0;
  }

  const undeliveredUpTo = (sequence: number): number => {
    let most = 0;
    for (const { cursor } of slots.values()) most = Math.max(most, cursor.queued(sequence));
    return most;
  };

  return {
    connect: (broker) => slots.get(broker)?.cursor.begin(head),
    lease: (broker, max) => slots.get(broker)?.cursor.lease(head, max).flatMap(fetch) ?? [],
    settle(broker, sequences, refused = []) {
      const slot = slots.get(broker);
      if (slot === undefined) return;
      for (const refusal of refused)
        if (refusal.sequence <= head && settleOne(slot, refusal.sequence)) slot.refusals.add(refusal);
      for (const sequence of sequences) if (sequence <= head) settleOne(slot, sequence);
    },
    destroyed(sequence) {
      for (const slot of slots.values()) moved(slot, slot.cursor.settle(1, sequence));
    },
    undeliveredUpTo,
    deliveredByAll: () => Math.min(head, ...[...slots.values()].map(({ cursor }) => cursor.contiguous())),
    delivered: () => Object.fromEntries([...slots].map(([broker, { cursor }]) => [broker, cursor.contiguous()])),
    changed: () =>
      new Map(
        [...slots]
          .filter(([, slot]) => slot.unwrittenCount > 0)
          .map(([broker, slot]) => [broker, slot.cursor.ranges()]),
      ),
    refused: () =>
      new Map(
        [...slots]
          .map(([broker, { refusals }]) => [broker, refusals.newly()] as const)
          .filter(([, { count }]) => count > 0),
      ),
    due() {
      const now = clock.monotonicMs();
      for (const { unwrittenCount, unwrittenSince } of slots.values()) {
        if (unwrittenCount >= limits.settleCountMax) return true;
        if (unwrittenCount > 0 && now - unwrittenSince >= limits.settleDelayMs) return true;
      }
      return false;
    },
    stored(events) {
      if (events.length > 0) head = events[events.length - 1]!.sequence;
      recent.add(events);
      for (const slot of slots.values()) {
        slot.unwrittenCount = 0;
        slot.refusals.stored();
      }
    },
    stats: () =>
      [...slots].map(([name, { cursor, refusals }]) => {
        const queuedCount = cursor.queued(head);
        const oldest = queuedCount > 0 ? fetch([cursor.oldest(), cursor.oldest()])[0] : undefined;
        return {
          name,
          queuedCount,
          deliveredTo: cursor.contiguous(),
          ...refusals.stats(),
          ...(oldest === undefined ? {} : { oldestAt: oldest.at }),
        };
      }),
  };
}
