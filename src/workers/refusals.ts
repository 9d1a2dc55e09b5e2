import type { Ledger, NewlyRefused, RefusedEvent } from "../ledger/index.ts";
import type { Clock } from "../lib/clock.ts";
import { limits } from "../model/limits.ts";
import type { RefusalMessage } from "./messages.ts";

/** What one broker will never take: in the ledger, and on its way there. */
export interface Refusals {
  add(refusal: RefusalMessage): void;
  /** Since the last commit. */
  newly(): NewlyRefused;
  /** The commit returned: what `newly` gave is durable. */
  stored(): void;
  /** The newest of them, as many as are listed. */
  list(): readonly RefusedEvent[];
  /** In all, and the last of them. */
  stats(): { readonly refusedCount: number; readonly lastRefused?: RefusedEvent };
}

export function createRefusals(ledger: Ledger, broker: string, clock: Clock): Refusals {
  let total = ledger.refusedCount(broker);
  let last = ledger.refused(broker, 1)[0];
  let events: RefusedEvent[] = [];
  let count = 0;
  return {
    add({ sequence, reason }) {
      last = { sequence, reason, at: Math.floor(clock.wallMs()) };
      // A salvaged event has its place in another chain, which counts it.
      if (sequence > 0) {
        total += 1;
        count += 1;
      }
      events.push(last);
      // While nothing can be written, the list grows no longer than it may be on disk.
      if (events.length > limits.refusedListMax) events.shift();
    },
    newly: () => ({ count, events }),
    stored() {
      events = [];
      count = 0;
    },
    list: () => [...events, ...ledger.refused(broker, limits.refusedListMax)],
    stats: () => ({ refusedCount: total, ...(last === undefined ? {} : { lastRefused: last }) }),
  };
}
