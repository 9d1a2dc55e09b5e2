import {
  type BrokerCounts,
  type ChainRow,
  type Commit,
  type Ledger,
  packLeft,
  type Range,
  type RefusedEvent,
  type StoredEvent,
} from "../../src/ledger/index.ts";
import { SortgateError } from "../../src/model/error.ts";
import { limits } from "../../src/model/limits.ts";
import type { Truth } from "./truth.ts";

/** What the next commit runs into. */
export type CommitFault = "none" | "full" | "break-before" | "break-after" | "kill-before" | "kill-after";

export interface DiskOptions {
  readonly bytesMax: number;
  readonly truth: Truth;
  /** Asked at each commit; "kill": the process dies there. */
  readonly fault: () => CommitFault;
}

/** What is on the disk; what is not here is gone with the process. */
interface Image {
  chain: ChainRow | undefined;
  lostCount: number;
  events: Map<number, StoredEvent>;
  first: number;
  last: number;
  usedBytes: number;
  cursors: Map<string, Range[]>;
  counts: Map<string, BrokerCounts>;
  refusedCounts: Map<string, number>;
  refused: Map<string, RefusedEvent[]>;
  destroyed: Record<string, number>;
  keptEpoch: StoredEvent | undefined;
}

/** Bytes that a row takes beside the event, and those that are kept for records of the ledger's own. */
const rowBytes = 60;
const reserveBytes = 12_000;

/** The process that has the ledger open. */
export interface DiskUser {
  readonly run: number;
  readonly isAlive: () => boolean;
  /** The time when a commit returns. */
  readonly nowMs: () => number;
}

/** The storage of a ledger in memory: a commit is there as a whole or not at all, and survives the process. */
export interface Disk {
  open(process: DiskUser): Ledger;
  refused(broker: string): readonly RefusedEvent[];
  /** What an export would give away. */
  left(): readonly StoredEvent[];
}

function broken(): SortgateError {
  return new SortgateError("ledger/io", "The ledger failed: SQLITE_IOERR_FSYNC", { hint: "check the disk" });
}

const sizeOf = (events: Iterable<StoredEvent>): number => {
  let byteCount = 0;
  for (const { bytes } of events) byteCount += bytes.length + rowBytes;
  return byteCount;
};

function erase(image: Image, { erased = [], destroyed = {} }: Commit): void {
  for (const { sequence, left: hashes } of erased) {
    const event = image.events.get(sequence);
    if (event === undefined) continue;
    const left: StoredEvent = {
      sequence,
      kind: "erased",
      subject: undefined,
      at: 0,
      bytes: packLeft(hashes),
    };
    image.usedBytes += left.bytes.length - event.bytes.length;
    image.events.set(sequence, left);
  }
  for (const [reason, count] of Object.entries(destroyed))
    image.destroyed[reason] = (image.destroyed[reason] ?? 0) + count;
}

function write(image: Image, commit: Commit): void {
  erase(image, commit);
  for (let sequence = image.first; image.first > 0 && sequence <= commit.destroyTo; sequence += 1) {
    const event = image.events.get(sequence);
    if (event === undefined) continue;
    if (event.kind === "epoch") image.keptEpoch = event;
    image.usedBytes -= event.bytes.length + rowBytes;
    image.events.delete(sequence);
  }
  for (const event of commit.events) image.events.set(event.sequence, { ...event, bytes: Buffer.from(event.bytes) });
  image.usedBytes += sizeOf(commit.events);
  image.last = image.events.size === 0 ? 0 : (commit.events.at(-1)?.sequence ?? image.last);
  image.first = image.events.size === 0 ? 0 : image.last - image.events.size + 1;
  if (image.events.get(image.first)?.kind === "epoch") image.keptEpoch = undefined;
  image.chain = { ...commit.chain, peaks: Uint8Array.from(commit.chain.peaks) };
  image.lostCount = commit.lostCount;
  for (const [broker, ranges] of commit.settled)
    image.cursors.set(
      broker,
      ranges.map(([from, to]) => [from, to]),
    );
  for (const [broker, counts] of commit.counts ?? []) image.counts.set(broker, counts);
  for (const [broker, { count, events }] of commit.refused) {
    image.refusedCounts.set(broker, (image.refusedCounts.get(broker) ?? 0) + count);
    image.refused.set(broker, [...(image.refused.get(broker) ?? []), ...events].slice(-limits.refusedListMax));
  }
}

function erasedOf(image: Image, listed: (from: number, to: number) => StoredEvent[]): Ledger["erased"] {
  const erased = (from: number, to: number): StoredEvent[] => listed(from, to).filter(({ kind }) => kind === "erased");
  return {
    count: (to = image.last) => erased(image.first, to).length,
    ranges: (from, to) => erased(from, to).map(({ sequence }) => [sequence, sequence]),
    destroyed: () => image.destroyed,
  };
}

/** Damage to the file is tried on the real one. */
const undamaged: Pick<
  Ledger,
  "moved" | "unsalvaged" | "salvage" | "salvaged" | "doubt" | "checkPlace" | "damagedFiles" | "wipe"
> = {
  moved: undefined,
  unsalvaged: () => [],
  salvage: () => [],
  salvaged: { last: () => 0, read: () => [], count: () => 0 },
  doubt: () => {},
  checkPlace: () => {},
  damagedFiles: () => [],
  wipe: () => "done",
};

function emptyImage(): Image {
  return {
    chain: undefined,
    lostCount: 0,
    events: new Map(),
    first: 0,
    last: 0,
    usedBytes: 0,
    cursors: new Map(),
    counts: new Map(),
    refusedCounts: new Map(),
    refused: new Map(),
    destroyed: {},
    keptEpoch: undefined,
  };
}

export function createDisk({ bytesMax, truth, fault }: DiskOptions): Disk {
  const image = emptyImage();

  function fits(commit: Commit): boolean {
    let freed = 0;
    for (let sequence = image.first; sequence <= commit.destroyTo; sequence += 1)
      freed += (image.events.get(sequence)?.bytes.length ?? 0) + rowBytes;
    const after = image.usedBytes - freed + sizeOf(commit.events);
    return after <= (commit.isOwn === true ? bytesMax + reserveBytes : bytesMax) || commit.events.length === 0;
  }

  function commit({ run, isAlive, nowMs }: DiskUser, asked: Commit): "stored" | "full" {
    if (!isAlive()) throw broken();
    const now = fault();
    if (now === "break-before" || now === "kill-before") throw broken();
    if (now === "full" || !fits(asked)) {
      truth.fullAtMs = nowMs();
      truth.trace.add(`full ${asked.events.length}${asked.isOwn === true ? " own" : ""}`);
      return "full";
    }
    write(image, asked);
    truth.took(asked, run, nowMs());
    if (asked.destroyTo > 0) truth.trace.add(`destroyed to ${asked.destroyTo}`);
    if (now === "break-after" || now === "kill-after") throw broken();
    return "stored";
  }

  const listed = (from: number, to: number): StoredEvent[] => {
    const events: StoredEvent[] = [];
    for (let sequence = Math.max(from, image.first); sequence <= Math.min(to, image.last); sequence += 1) {
      const event = image.events.get(sequence);
      if (event !== undefined) events.push(event);
    }
    return events;
  };

  return {
    refused: (broker) => image.refused.get(broker) ?? [],
    left: () => [...(image.keptEpoch === undefined ? [] : [image.keptEpoch]), ...image.events.values()],
    open: (user) => ({
      chain: () => image.chain,
      lostCount: () => image.lostCount,
      cursor: (broker) => image.cursors.get(broker) ?? [],
      refusedCount: (broker) => image.refusedCounts.get(broker) ?? 0,
      refused: (broker, max) => (image.refused.get(broker) ?? []).slice(-max).reverse(),
      commit: (asked) => commit(user, asked),
      read(from, to, bytesMost) {
        let byteCount = 0;
        const events = listed(from, to);
        const end = events.findIndex((event, index) => {
          byteCount += event.bytes.length;
          return index > 0 && byteCount > bytesMost;
        });
        return end === -1 ? events : events.slice(0, end);
      },
      readEach: (from, to) => listed(from, to),
      keptEpoch: () => image.keptEpoch,
      counts: (broker) => image.counts.get(broker),
      ...undamaged,
      erased: erasedOf(image, listed),
      lastBefore(at, last) {
        const young = listed(image.first, last).find((event) => event.at >= at);
        return young === undefined ? Math.min(image.last, last) : young.sequence - 1;
      },
      lastEpoch: (from, to) => listed(from, to).findLast(({ kind }) => kind === "epoch")?.sequence ?? 0,
      extent: () => ({
        first: image.first,
        last: image.last,
        fileBytes: image.usedBytes,
        walBytes: 0,
        usedBytes: image.usedBytes,
        usedBytesMax: bytesMax,
      }),
      close: () => {},
    }),
  };
}
