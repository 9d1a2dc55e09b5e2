import type { Timers } from "../lib/clock.ts";
import { announce, type ClearedEvent } from "../model/event.ts";
import { limits } from "../model/limits.ts";
import type { DurationMs, EpochMs, MonotonicMs } from "../model/units.ts";
import { canonicalize } from "../seal/index.ts";
import type { Counters, DraftMessage, ToLedger } from "./messages.ts";

/** Events that found no room on their way to the ledger thread; told as a `gap` as soon as there is room again. */
interface Refused {
  count: number;
  readonly from: EpochMs;
  to: EpochMs;
}

export interface Intake {
  append(event: ClearedEvent): "taken" | "full";
  /** So many of the events that were taken are durable. */
  committed(count: number): void;
  uncommittedCount(): number;
  droppedCount(): number;
  /** Since the last of them; undefined: there was none. */
  droppedAgoMs(): DurationMs | undefined;
  /** Hands over what was gathered. */
  flush(): void;
}

export interface IntakeOptions {
  readonly post: (message: ToLedger) => void;
  readonly counters: () => Counters;
  readonly timers: Timers;
  /** Events that may wait for their commit; `limits.uncommittedEventsMax` unless said otherwise. */
  readonly uncommittedMax?: number | undefined;
}

/** Gathers the events of one turn of the event loop into one message, and counts what is not durable yet. */
export function createIntake(options: IntakeOptions): Intake {
  const { post, counters, timers, uncommittedMax = limits.uncommittedEventsMax } = options;
  let drafts: DraftMessage[] = [];
  let uncommittedCount = 0;
  let droppedCount = 0;
  let droppedAt: MonotonicMs | undefined;
  let refused: Refused | undefined;

  const flush = (): void => {
    if (drafts.length === 0) return;
    post({ type: "append", drafts, counters: counters() });
    drafts = [];
  };
  const take = ({ kind, subject, at, data }: ClearedEvent): void => {
    uncommittedCount += 1;
    if (drafts.push({ kind, subject, at, data: canonicalize(data) }) === 1) timers.soon(flush);
  };
  const tellGap = ({ count, from, to }: Refused): void => {
    const range = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
    take(announce("gap", to, { reason: "intake-full", count, ...range }));
    refused = undefined;
  };

  return {
    append(event) {
      if (uncommittedCount >= uncommittedMax) {
        droppedCount += 1;
        droppedAt = performance.now();
        refused ??= { count: 0, from: event.at, to: event.at };
        refused.count += 1;
        refused.to = event.at;
        return "full";
      }
      if (refused !== undefined) tellGap(refused);
      take(event);
      return "taken";
    },
    committed(count) {
      uncommittedCount -= count;
      if (refused !== undefined && uncommittedCount < uncommittedMax) tellGap(refused);
    },
    uncommittedCount: () => uncommittedCount,
    droppedCount: () => droppedCount,
    droppedAgoMs: () => (droppedAt === undefined ? undefined : performance.now() - droppedAt),
    flush,
  };
}
