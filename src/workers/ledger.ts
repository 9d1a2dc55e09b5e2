import { Worker } from "node:worker_threads";
import { systemTimers } from "../lib/clock.ts";
import type { SortgateError } from "../model/error.ts";
import { limits } from "../model/limits.ts";
import type { Tell } from "../model/notice.ts";
import { createLedgerHandle, explainFailure, type LedgerHandle, type LedgerThread } from "./handle.ts";
import type { Counters, FromLedger, LedgerOptions, ToLedger } from "./messages.ts";

/** What the main thread has to say to the ledger thread, and to hear of it, once it is itself that far. */
export interface LedgerListener {
  /** Read at each hand-over; stands in the next checkpoint. */
  readonly counters: () => Counters;
  readonly tell: Tell;
}

/** A ledger thread that loads its libraries while the main thread does, and touches nothing else. */
export interface StartedLedger {
  /** Has it open the chain. */
  open(options: LedgerOptions): OpeningLedger;
}

/** What it says meanwhile is kept. */
export interface OpeningLedger {
  /** Resolves once the chain is open. Fails: ledger/*, identity/*. */
  opened(listener: LedgerListener): Promise<LedgerThread>;
}

export function startLedgerThread(): StartedLedger {
  const worker = new Worker(new URL("./ledger-worker.js", import.meta.url), {
    resourceLimits: { maxYoungGenerationSizeMb: limits.ledgerYoungMegabytesMax },
  });
  const early: (() => void)[] = [];
  let ends: ThreadEnds | undefined;
  /** At once if somebody listens, else as soon as somebody does. */
  const toEnds = (hear: (ends: ThreadEnds) => void): void => {
    if (ends === undefined) early.push(() => hear(ends!));
    else hear(ends);
  };
  worker.on("message", (message: FromLedger) => toEnds(({ message: hear }) => hear(message)));
  worker.on("error", (error) => toEnds(({ broke }) => broke(error)));
  worker.on("exit", () => toEnds(({ ended }) => ended()));
  return {
    open(options) {
      worker.postMessage(options);
      return {
        opened: (listener) =>
          new Promise((resolve, reject) => {
            const post = (message: ToLedger): void => worker.postMessage(message);
            ends = threadEnds(post, listener, resolve, reject);
            for (const hear of early.splice(0)) hear();
          }),
      };
    },
  };
}

/** What the ledger thread can do to the main thread. */
interface ThreadEnds {
  message(message: FromLedger): void;
  broke(error: Error): void;
  ended(): void;
}

function threadEnds(
  post: (message: ToLedger) => void,
  { counters, tell }: LedgerListener,
  resolve: (thread: LedgerThread) => void,
  reject: (reason: SortgateError) => void,
): ThreadEnds {
  let thread: LedgerHandle | undefined;
  let reason = explainFailure({
    code: "ledger/io",
    sentence: "The ledger thread ended",
    hint: "see the log before this",
  });
  const fail = (): void => (thread === undefined ? reject(reason) : thread.ended(reason));
  return {
    message(message) {
      if (message.type === "notice") tell(message.notice);
      else if (message.type === "failed") {
        reason = explainFailure(message.failure);
        // The thread lets go of the file first: a process that ends while SQLite is at work would abort.
        setTimeout(fail, threadEndMs).unref();
      } else if (message.type === "opened") {
        thread = createLedgerHandle({ post, opened: message.opened, counters, timers: systemTimers });
        resolve(thread.face);
      } else thread?.receive(message);
    },
    // Only the kind of an error that nobody foresaw is told: its message may hold anything.
    broke({ name }) {
      const hint = "run again with SORTGATE_DEBUG=1 to see where";
      reason = explainFailure({ code: "ledger/io", sentence: `The ledger thread broke (${name})`, hint });
    },
    ended: fail,
  };
}

/** How long a failed ledger thread may take to end by itself. */
const threadEndMs = 1_000;
