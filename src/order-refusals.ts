import type { Clock } from "./lib/clock.ts";
import type { TellChain } from "./model/event.ts";
import type { Tell } from "./model/notice.ts";
import type { MonotonicMs } from "./model/units.ts";
import type { Order } from "./order.ts";

/** Why an order is not carried out, and what to do about it. Nothing of the order stands in the sentence. */
export interface OrderRefusal {
  readonly reason:
    | "too-many"
    | "too-large"
    | "key"
    | "unsigned"
    | "signature"
    | "malformed"
    | "site"
    | "gateway"
    | "ended"
    | "older"
    | "other-content";
  readonly sentence: string;
  /** Completes "Try: …". */
  readonly hint: string;
}

/** Somebody who is not the centre sent it. */
const forged: ReadonlySet<OrderRefusal["reason"]> = new Set(["unsigned", "signature"]);
/** What may hold when it comes again without having changed: the key, the clock or the queue may have. */
const passing: ReadonlySet<OrderRefusal["reason"]> = new Set(["too-many", "too-large", "key", "signature", "ended"]);

/** Told at once, at most; a broker that floods must not fill the ledger. */
const toldMax = 10;
/** …and one more each minute. */
const toldEachMs = 60_000;
/** Refused orders that are known again: a retained one comes with each connection. */
const knownMax = 32;

export interface OrderRefusals {
  /** Whether an order was refused lately, for a reason that still holds: it is not told again. */
  isKnown(sha256: string): boolean;
  /** Takes `order` only of what the centre signed. */
  refuse(
    broker: string,
    refusal: OrderRefusal,
    of: { readonly sha256: string; readonly order?: Order | undefined },
  ): void;
}

export interface RefusalSources {
  readonly clock: Clock;
  readonly tell: Tell;
  readonly announce: TellChain;
}

/** How often something may be told. */
function createWords(clock: Clock) {
  let room = toldMax;
  let grownAt: MonotonicMs = clock.monotonicMs();
  let untold = 0;
  return {
    /** Takes one. Gives how many were not told since the last one; undefined if this one is not to be told either. */
    take(): number | undefined {
      const grown = Math.floor((clock.monotonicMs() - grownAt) / toldEachMs);
      grownAt += grown * toldEachMs;
      room = Math.min(toldMax, room + grown);
      if (room === 0) {
        untold += 1;
        return undefined;
      }
      room -= 1;
      const before = untold;
      untold = 0;
      return before;
    },
  };
}

/** Tells in log and chain what is not carried out, and counts what it does not tell. */
export function createOrderRefusals({ clock, tell, announce }: RefusalSources): OrderRefusals {
  const known: string[] = [];
  // Apart, so that whoever forges orders does not hide what becomes of the centre's own.
  const words = { forged: createWords(clock), other: createWords(clock) };

  return {
    isKnown: (sha256) => known.includes(sha256),
    refuse(broker, { reason, sentence, hint }, { sha256, order }) {
      if (!passing.has(reason)) known.push(sha256);
      if (known.length > knownMax) known.shift();
      const untold = words[forged.has(reason) ? "forged" : "other"].take();
      if (untold === undefined) return;
      const more = untold === 0 ? {} : { untold };
      // The digest covers the centre's signature: nobody can try numbers against it. Of what it did not sign there is none.
      const about = { broker, reason, ...(order !== undefined && { order: order.order, sha256 }), ...more };
      if (forged.has(reason)) announce("alarm", { alarm: "order-refused", ...about });
      else announce("audit", { action: "order-refused", ...about });
      tell({
        name: "order/refused",
        level: forged.has(reason) ? "error" : "warn",
        message: `An order by broker "${broker}" is refused: ${sentence}. Try: ${hint}`,
        fields: { broker, reason, ...more },
      });
    },
  };
}
