import { Worker } from "node:worker_threads";
import { systemTimers } from "../lib/clock.ts";
import { limits } from "../model/limits.ts";
import type { Tell } from "../model/notice.ts";
import { createLedgerHandle, explainFailure, type LedgerHandle, type LedgerThread } from "./handle.ts";
import type { Counters, FromLedger, LedgerOptions, ToLedger } from "./messages.ts";

export interface LedgerThreadOptions extends LedgerOptions {
  /** Read at each hand-over; stands in the next checkpoint. */
  readonly counters: () => Counters;
  readonly tell: Tell;
}

/** Starts the ledger thread and waits until its chain is open. Fails: ledger/*, identity/*. */
export function openLedgerThread(options: LedgerThreadOptions): Promise<LedgerThread> {
  const { counters, tell, ...workerData } = options;
  const worker = new Worker(new URL("./ledger-worker.js", import.meta.url), {
    workerData,
    resourceLimits: { maxYoungGenerationSizeMb: limits.ledgerYoungMegabytesMax },
  });
  const post = (message: ToLedger): void => worker.postMessage(message);
  return new Promise((resolve, reject) => {
    let thread: LedgerHandle | undefined;
    let reason = explainFailure({
      code: "ledger/io",
      sentence: "The ledger thread ended",
      hint: "see the log before this",
    });
    const fail = (): void => (thread === undefined ? reject(reason) : thread.ended(reason));
    worker.on("message", (message: FromLedger) => {
      if (message.type === "notice") tell(message.notice);
      else if (message.type === "failed") {
        reason = explainFailure(message.failure);
        // The thread lets go of the file first: a process that ends while SQLite is at work would abort.
        setTimeout(fail, threadEndMs).unref();
      } else if (message.type === "opened") {
        thread = createLedgerHandle({ post, opened: message.opened, counters, timers: systemTimers });
        resolve(thread.face);
      } else thread?.receive(message);
    });
    // Only the kind of an error that nobody foresaw is told: its message may hold anything.
    worker.on("error", ({ name }) => {
      const hint = "run again with SORTGATE_DEBUG=1 to see where";
      reason = explainFailure({ code: "ledger/io", sentence: `The ledger thread broke (${name})`, hint });
    });
    worker.on("exit", fail);
  });
}

/** How long a failed ledger thread may take to end by itself. */
const threadEndMs = 1_000;
