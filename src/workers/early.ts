import type { ToLedger } from "./messages.ts";
import type { LedgerPort } from "./serve.ts";

type Settled = Extract<ToLedger, { type: "settle" }>;

/** Messages that came while the ledger thread was busy with one piece of work. */
export interface Early {
  /** Takes in all that brokers acknowledged meanwhile, ahead of its turn; keeps all other messages, in order. */
  takeSettled(): void;
  /** The oldest message that was kept; it goes before all that come from now on. */
  next(): ToLedger | undefined;
}

/**
 * To seal a group of events takes most of the thread's time, and brokers acknowledge meanwhile. What is settled takes
 * room in the window until its cursor is written: so it goes into the commit of that group and not into the next one,
 * and the window is free again twice as soon.
 */
export function createEarly(port: LedgerPort, settle: (message: Settled) => void): Early {
  const kept: ToLedger[] = [];
  return {
    takeSettled() {
      for (let message = port.poll?.(); message !== undefined; message = port.poll?.())
        if (message.type === "settle") settle(message);
        else kept.push(message);
    },
    next: () => kept.shift(),
  };
}
