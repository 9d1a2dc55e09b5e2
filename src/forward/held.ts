import { createBackoff } from "../lib/backoff.ts";
import { type Cancel, systemTimers, type Timers } from "../lib/clock.ts";
import type { SealedEvent } from "../model/event.ts";
import { limits } from "../model/limits.ts";

/** Events that a broker did not take and may take later, on the same connection; see `createHeld`. */
export interface Held {
  /** Keeps an event for later. False: there is no room. */
  hold(event: SealedEvent): boolean;
  /** What became of the event that `retry` was called with: "resolved" if it need not be tried again. */
  tried(outcome: "resolved" | "refused"): void;
  /** The event that is being tried just now. */
  trying(): SealedEvent | undefined;
  sequences(): number[];
  count(): number;
  close(): void;
}

export interface HeldOptions {
  readonly random?: (() => number) | undefined;
  readonly timers?: Timers | undefined;
  readonly eventsMax?: number | undefined;
}

/**
 * Tries events again, one at a time and in turn, after pauses with full jitter that grow as long as none is taken.
 *
 * Takes:   `retry`, which sends the event; false: not now.
 * Cost:    holds `eventsMax` events; beyond that they stay in the ledger alone.
 */
export function createHeld(retry: (event: SealedEvent) => boolean, options: HeldOptions = {}): Held {
  const { random, timers = systemTimers, eventsMax = limits.heldEventsMax } = options;
  const backoff = createBackoff(limits.backoff, random);
  const waiting: SealedEvent[] = [];
  let current: SealedEvent | undefined;
  let timer: Cancel | undefined;
  let isOpen = true;

  const next = (): void => {
    timer = undefined;
    if (waiting.length === 0 || current !== undefined) return;
    current = waiting.shift();
    if (current === undefined || retry(current)) return;
    waiting.unshift(current);
    current = undefined;
    arm(backoff.nextMs());
  };
  const arm = (delayMs: number): void => {
    if (isOpen && timer === undefined && waiting.length > 0) timer = timers.after(delayMs, next);
  };

  return {
    hold(event) {
      if (waiting.length >= eventsMax) return false;
      waiting.push(event);
      // Asked for only when it is used: each pause that is drawn makes the next one longer.
      if (current === undefined && timer === undefined) arm(backoff.nextMs());
      return true;
    },
    tried(outcome) {
      if (current === undefined) return;
      if (outcome === "refused") waiting.push(current);
      else backoff.reset();
      current = undefined;
      arm(outcome === "refused" ? backoff.nextMs() : 0);
    },
    trying: () => current,
    sequences: () => waiting.map(({ sequence }) => sequence),
    count: () => waiting.length + (current === undefined ? 0 : 1),
    close() {
      isOpen = false;
      timer?.();
    },
  };
}
