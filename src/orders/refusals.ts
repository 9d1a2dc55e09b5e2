import { type Cancel, type Clock, systemTimers, type Timers } from "../lib/clock.ts";
import type { TellChain } from "../model/event.ts";
import type { Tell } from "../model/notice.ts";
import type { MonotonicMs } from "../model/units.ts";
import type { Order } from "./order.ts";

/** Why an order is not carried out, and what to do about it. Nothing of the order stands in the sentence. */
export interface OrderRefusal {
  readonly reason:
    | "too-many"
    | "too-large"
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

/** What may hold when it comes again without having changed: the key, the clock or the queue may have. */
const passing: ReadonlySet<OrderRefusal["reason"]> = new Set(["too-many", "too-large", "signature", "ended"]);

/** Told at once, at most; a broker that floods must not fill the ledger. */
const toldMax = 10;
/** …and one more each minute, by itself if no other comes. */
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
  /** How many were refused since the start, by reason. */
  counts(): { readonly [reason in OrderRefusal["reason"]]?: number };
  /** Tells at once what still waits to be told, and takes no more. */
  close(): void;
}

export interface RefusalSources {
  readonly clock: Clock;
  readonly tell: Tell;
  readonly announce: TellChain;
  readonly timers?: Pick<Timers, "after">;
}

/** Says it, with how many before it were not told. False: the chain had no room, and it must be said again. */
type Word = (untold: number) => boolean;

/** How often something may be told. Of what is not told at once the last comes later, with the number of the others. */
function createWords(clock: Clock, timers: Pick<Timers, "after">) {
  let room = toldMax;
  let grownAt: MonotonicMs = clock.monotonicMs();
  let last: Word | undefined;
  let untold = 0;
  let waiting: Cancel | undefined;
  let isClosed = false;
  const say = (word: Word): void => {
    if (!word(untold)) return;
    last = undefined;
    untold = 0;
  };
  const look = (): void => {
    const now = clock.monotonicMs();
    const grown = Math.floor((now - grownAt) / toldEachMs);
    grownAt += grown * toldEachMs;
    room = Math.min(toldMax, room + grown);
    if (last !== undefined && room > 0) {
      room -= 1;
      say(last);
    }
    if (last === undefined || isClosed) return;
    waiting ??= timers.after(grownAt + toldEachMs - now, () => {
      waiting = undefined;
      look();
    });
  };
  return {
    take(word: Word): void {
      if (last !== undefined) untold += 1;
      last = word;
      look();
    },
    close(): void {
      isClosed = true;
      waiting?.();
      if (last !== undefined) say(last);
    },
  };
}

/** Tells in log and chain what is not carried out, and how often it did not. */
export function createOrderRefusals(sources: RefusalSources): OrderRefusals {
  const { clock, tell, announce, timers = systemTimers } = sources;
  const known: string[] = [];
  const counts: { [reason in OrderRefusal["reason"]]?: number } = {};
  // Apart, so that whoever forges orders does not hide what becomes of the centre's own.
  const words = { proven: createWords(clock, timers), unproven: createWords(clock, timers) };

  return {
    isKnown: (sha256) => known.includes(sha256),
    counts: () => ({ ...counts }),
    refuse(broker, { reason, sentence, hint }, { sha256, order }) {
      if (!passing.has(reason)) known.push(sha256);
      if (known.length > knownMax) known.shift();
      counts[reason] = (counts[reason] ?? 0) + 1;
      const isProven = order !== undefined || reason === "malformed";
      const isAlarm = !isProven;
      let isLogged = false;
      words[isProven ? "proven" : "unproven"].take((untold) => {
        const more = untold === 0 ? {} : { untold };
        if (!isLogged)
          tell({
            name: "order/refused",
            level: isAlarm ? "error" : "warn",
            message: `An order by broker "${broker}" is refused: ${sentence}. Try: ${hint}`,
            fields: { broker, reason, ...more },
          });
        isLogged = true;
        // The digest covers the centre's signature: nobody can try numbers against it. Of what it did not sign there is none.
        const about = { broker, reason, ...(order !== undefined && { order: order.order, sha256 }), ...more };
        return isAlarm
          ? announce("alarm", { alarm: "order-refused", ...about })
          : announce("audit", { action: "order-refused", ...about });
      });
    },
    close() {
      words.proven.close();
      words.unproven.close();
    },
  };
}
