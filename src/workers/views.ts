import { createViews, type Views, type WholeEvent } from "../guard/view.ts";
import type { StoredEvent } from "../ledger/index.ts";
import type { Clock } from "../lib/clock.ts";
import type { SealedEvent, SealedView } from "../model/event.ts";
import type { Sealer } from "../seal/index.ts";
import type { LedgerOptions } from "./messages.ts";

declare const portion: unique symbol;

/** What one broker is to get of leased events: whole ones or views, as `Viewed` made them. */
export type Portion = readonly SealedEvent[] & { readonly [portion]: true };

/** Turns events into what a broker is to get of them. */
export interface Viewed {
  /** Whether a broker gets views. */
  has(broker: string): boolean;
  of(broker: string, events: readonly StoredEvent[]): Portion;
  /** Erases keys that are too old. */
  expire(): void;
}

/**
 * Brokers with a view get each event as a view of its own, so that they can count; epoch events as they are, for those
 * bring the keys. All others get what is in the ledger.
 *
 * Cost:  parsing, a digest and a signature an event, 40 µs, for brokers with a view alone. An event that is sent again
 *        in a later run has other tokens, and the signature of that run.
 */
export function createViewed(
  sealer: Pick<Sealer, "view">,
  { views = {}, crypto = "intl" }: Pick<LedgerOptions, "views" | "crypto">,
  clock: Clock,
): Viewed {
  const makers = new Map(
    Object.entries(views).map(([broker, policy]) => [broker, createViews(policy, crypto, clock.wallMs)]),
  );
  return {
    has: (broker) => makers.has(broker),
    of(broker, events) {
      const views = makers.get(broker);
      if (views === undefined) return portionOfCentre(events);
      return portionOfPartner(events.map((event) => (isEpoch(event) ? event : viewOf(event, broker, views, sealer))));
    },
    expire() {
      for (const views of makers.values()) views.expire();
    },
  };
}

interface Parsed extends WholeEvent {
  readonly type: string;
}

/** The one kind of event that partners get as it is. */
interface EpochEvent extends SealedEvent {
  readonly kind: "epoch";
}

function portionOfCentre(events: readonly StoredEvent[]): Portion {
  return events as readonly SealedEvent[] as Portion;
}

/** All that a partner may get: nothing else compiles. */
function portionOfPartner(events: readonly (SealedView | EpochEvent)[]): Portion {
  return events as readonly SealedEvent[] as Portion;
}

function isEpoch(event: SealedEvent): event is EpochEvent {
  return event.kind === "epoch";
}

function viewOf(event: StoredEvent, viewer: string, views: Views, sealer: Pick<Sealer, "view">): SealedView {
  // It was sealed here, or its signature was checked when it was salvaged.
  const { type, subject, time, data } = JSON.parse(Buffer.from(event.bytes).toString("utf8")) as Parsed;
  return sealer.view({ viewer, event, type, view: views.of({ kind: event.kind, subject, time, data }) });
}
