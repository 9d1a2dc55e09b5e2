import {
  type BrokerCounts,
  countOf,
  createRangeSet,
  type Ledger,
  type NewlyRefused,
  type Range,
  type StoredEvent,
} from "../ledger/index.ts";
import type { Clock } from "../lib/clock.ts";
import type { Json } from "../model/event.ts";
import { limits } from "../model/limits.ts";
import type { LedgerStats, RefusalMessage } from "./messages.ts";
import { createSalvaged } from "./salvaged.ts";
import { Slot, salvageKey } from "./slot.ts";
import { createSoundReader } from "./sound.ts";

/** Who gets which event next. Keeps the cursors of all brokers, and recent events at hand so that live ones need no disk. */
export interface Outbox {
  /** A broker begins a connection: what it did not acknowledge is handed out again. */
  connect(broker: string): void;
  /** Up to `max` events for a broker, newest business first (see `Cursor`). */
  lease(broker: string, max: number): StoredEvent[];
  /** The broker has these for good, or will never take those of them that are `refused`. */
  settle(broker: string, sequences: readonly number[], refused?: readonly RefusalMessage[]): void;
  /** Hands out again what the broker has of [from, to], behind all others. Gives how many; undefined: no such broker. */
  replay(broker: string, from: number, to: number): number | undefined;
  /** A broker had this salvaged event already. */
  salvaged(broker: string, id: number): void;
  /** The list of salvaged events has changed: brokers get what it holds now. */
  salvageDone(): void;
  /** Every broker has all salvaged events. */
  isSalvageOver(): boolean;
  /** Tells that events up to `sequence` are gone: nobody is to be handed them any more. */
  destroyed(sequence: number): void;
  /** Tells that these are erased: nobody is to be handed them any more. What is on its way to a broker cannot be called back. */
  erased(sequences: readonly number[]): void;
  /** How many events up to `sequence` some broker does not have. */
  undeliveredUpTo(sequence: number): number;
  /** Highest sequence that every broker has; `butViewers`: but for those with a view. */
  deliveredByAll(butViewers?: boolean): number;
  /** Highest contiguous sequence per broker. */
  delivered(): Record<string, number>;
  /** Cursors that moved since the last commit. */
  changed(): ReadonlyMap<string, readonly Range[]>;
  /** What came into cursors since the last commit, where nothing was taken away. */
  added(): ReadonlyMap<string, readonly Range[]>;
  /** What brokers refused for good since the last commit. */
  refused(): ReadonlyMap<string, NewlyRefused>;
  /** What became of the settled events of each broker. */
  counts(): ReadonlyMap<string, BrokerCounts>;
  /** Events = delivered + queued + refused + lost by reason, for each broker. */
  balances(sequence: number): { readonly [broker: string]: Json };
  /** True when moved cursors should be written although nothing else is. */
  due(): boolean;
  /** A commit returned: these events are durable, and so are the cursors that `changed` gave. */
  stored(events: readonly StoredEvent[]): void;
  stats(): LedgerStats["brokers"];
}

/** The newest committed events, oldest first, bounded by bytes. */
function createRecent(bytesMax: number): {
  add(events: readonly StoredEvent[]): void;
  get(sequence: number): StoredEvent | undefined;
  /** Overwrites an event and lets go of it. */
  forget(sequence: number): void;
} {
  let events: (StoredEvent | undefined)[] = [];
  let head = 0;
  /** The sequence of the event at `head`; the others follow without a gap. */
  let first = 0;
  let byteCount = 0;
  return {
    add(added) {
      if (head === events.length && added.length > 0) first = added[0]!.sequence;
      for (const event of added) {
        events.push(event);
        byteCount += event.bytes.length;
      }
      while (byteCount > bytesMax && head < events.length) {
        byteCount -= events[head]?.bytes.length ?? 0;
        events[head] = undefined;
        head += 1;
        first += 1;
      }
      if (head > 4_096 && head * 2 > events.length) {
        events = events.slice(head);
        head = 0;
      }
    },
    get: (sequence) => (sequence < first ? undefined : events[head + sequence - first]),
    forget(sequence) {
      if (sequence < first) return;
      const event = events[head + sequence - first];
      if (event === undefined) return;
      byteCount -= event.bytes.length;
      event.bytes.fill(0);
      events[head + sequence - first] = undefined;
    },
  };
}

function changedCursors(slots: ReadonlyMap<string, Slot>): ReadonlyMap<string, readonly Range[]> {
  const changed = new Map<string, readonly Range[]>();
  for (const [broker, slot] of slots) {
    if (!slot.isMoved()) continue;
    changed.set(broker, slot.cursor.ranges());
    if (slot.salvage.ranges().length > 0) changed.set(salvageKey(broker), slot.salvage.ranges());
  }
  return changed;
}

/** Up to where each broker has all, but for some. */
function endsOf(slots: ReadonlyMap<string, Slot>, without: ReadonlySet<string> | undefined): number[] {
  return [...slots].filter(([broker]) => !without?.has(broker)).map(([, { cursor }]) => cursor.contiguous());
}

function addedTo(broker: string, slot: Slot): [string, readonly Range[]][] {
  const added = slot.added();
  return added === undefined ? [] : [[broker, added]];
}

interface OutboxOptions {
  readonly ledger: Ledger;
  readonly brokers: readonly string[];
  readonly clock: Clock;
  /** Brokers that get views. */
  readonly viewers?: ReadonlySet<string>;
  /** Called with events that were found damaged on the disk: no broker will have them. */
  readonly damaged: (ranges: readonly Range[]) => void;
}

/** Events to hand out: from memory, or else from the disk, without those that are not as they were sealed. */
function createFetch(
  { ledger, damaged: tellDamaged }: OutboxOptions,
  recent: ReturnType<typeof createRecent>,
  lose: (ranges: readonly Range[], reason: string) => void,
): (range: Range) => readonly StoredEvent[] {
  const readSound = createSoundReader(ledger);

  function fromDisk(range: Range): readonly StoredEvent[] {
    const { events, erased, damaged } = readSound(range);
    // To a broker that is new, or where the process ended between the erasure and the cursor.
    lose(erased, "erased");
    lose(damaged, "damaged");
    if (damaged.length > 0) tellDamaged(damaged);
    return events;
  }

  return ([from, to]) => {
    const events: StoredEvent[] = [];
    for (let sequence = from; sequence <= to; sequence += 1) {
      const event = recent.get(sequence);
      if (event === undefined) return fromDisk([from, to]);
      events.push(event);
    }
    return events;
  };
}

export function createOutbox(options: OutboxOptions): Outbox {
  const { ledger, clock } = options;
  const recent = createRecent(limits.recentBytesMax);
  let head = ledger.extent().last;
  const slots = new Map(options.brokers.map((broker) => [broker, new Slot(ledger, broker, clock)]));

  const salvaged = createSalvaged(ledger);
  const loseAll = (ranges: readonly Range[], reason: string): void => {
    for (const [from, to] of ranges) for (const slot of slots.values()) slot.lose(from, to, reason);
  };
  const fetch = createFetch(options, recent, loseAll);

  /** Ids of an earlier list that the broker never knew are nothing to wait for. */
  function fetchSaved(slot: Slot, [from, to]: Range): StoredEvent[] {
    const events = salvaged.fetch([from, to]);
    const ids = new Set(events.map(({ sequence }) => -sequence));
    for (let id = from; id <= to; id += 1) if (!ids.has(id)) slot.saved(id);
    return events;
  }

  return {
    connect: (broker) => slots.get(broker)?.connect(head, salvaged.last()),
    salvaged: (broker, id) => slots.get(broker)?.saved(id),
    salvageDone: () => salvaged.changed(slots.values()),
    isSalvageOver: () =>
      salvaged.last() > 0 && [...slots.values()].every(({ salvage }) => salvage.contiguous() >= salvaged.last()),
    lease(broker, wanted) {
      const slot = slots.get(broker);
      if (slot === undefined) return [];
      const max = slot.granted(wanted);
      const live = slot.cursor.leaseLive(head, max);
      const saved = slot.salvage.leaseBacklog(max - countOf(live));
      const old = slot.cursor.leaseBacklog(max - countOf(live) - countOf(saved));
      return [...live.flatMap(fetch), ...saved.flatMap((range) => fetchSaved(slot, range)), ...old.flatMap(fetch)];
    },
    settle(broker, sequences, refused = []) {
      const slot = slots.get(broker);
      if (slot === undefined) return;
      for (const refusal of refused)
        if (refusal.sequence < 0) slot.refuseSaved(refusal, salvaged.fetch([-refusal.sequence, -refusal.sequence])[0]);
        else if (refusal.sequence <= head) slot.refuse(refusal);
      for (const sequence of sequences)
        if (sequence < 0) slot.saved(-sequence);
        else if (sequence <= head) slot.delivered(sequence);
    },
    replay: (broker, from, to) => slots.get(broker)?.replay(from, to, ledger.erased.ranges(from, to)),
    destroyed(sequence) {
      loseAll([[1, sequence]], "queue-full");
    },
    erased(sequences) {
      for (const sequence of sequences) recent.forget(sequence);
      const ranges = createRangeSet([]);
      for (const sequence of sequences) ranges.add(sequence, sequence);
      loseAll(ranges.ranges(), "erased");
    },
    undeliveredUpTo: (sequence) => Math.max(0, ...[...slots.values()].map(({ cursor }) => cursor.queued(sequence))),
    deliveredByAll: (butViewers = false) => Math.min(head, ...endsOf(slots, butViewers ? options.viewers : undefined)),
    delivered: () => Object.fromEntries([...slots].map(([broker, { cursor }]) => [broker, cursor.contiguous()])),
    changed: () => changedCursors(slots),
    added: () => new Map([...slots].flatMap(([broker, slot]) => addedTo(broker, slot))),
    refused: () =>
      new Map(
        [...slots]
          .map(([broker, { refusals }]) => [broker, refusals.newly()] as const)
          .filter(([, { events }]) => events.length > 0),
      ),
    counts: () => new Map([...slots].map(([broker, slot]) => [broker, slot.counts()])),
    balances: (sequence) => Object.fromEntries([...slots].map(([broker, slot]) => [broker, slot.balance(sequence)])),
    due: () => [...slots.values()].some((slot) => slot.isDue()),
    stored(events) {
      if (events.length > 0) head = events[events.length - 1]!.sequence;
      recent.add(events);
      for (const slot of slots.values()) slot.written();
    },
    stats: () =>
      [...slots].map(([name, slot]) => {
        const stats = slot.stats(head, salvaged.last());
        const oldest = slot.cursor.oldest();
        const [event] = stats.queuedCount > 0 ? fetch([oldest, oldest]) : [];
        return { name, ...stats, ...(event === undefined ? {} : { oldestAt: event.at }) };
      }),
  };
}
