import { Worker } from "node:worker_threads";
import { SortgateError } from "../model/error.ts";
import { announce, type ClearedEvent, type SealedEvent } from "../model/event.ts";
import { limits } from "../model/limits.ts";
import type { Tell } from "../model/notice.ts";
import type { EpochMs } from "../model/units.ts";
import { canonicalize } from "../seal/index.ts";
import { unpackEvents } from "./event-batch.ts";
import type {
  ClockState,
  Counters,
  DraftMessage,
  FromLedger,
  LedgerFailure,
  LedgerOpened,
  LedgerOptions,
  Questions,
  RefusalMessage,
  ToLedger,
} from "./messages.ts";

/** Where a broker's events come from, and where its acknowledgements go. Has the shape of `forward`'s `Backlog`. */
export interface LedgerBacklog {
  /** Begins a connection: `onEvents` gets what is asked for by `want`, what was not settled before again. */
  connect(onEvents: (events: readonly SealedEvent[]) => void): LedgerConnection;
}

export interface LedgerConnection {
  /** Asks for `count` more events, now or as soon as there are any. */
  want(count: number): void;
  /** Tells that the broker has these for good, or will never take those of them that are `refused`. */
  settle(sequences: readonly number[], refused: readonly RefusalMessage[]): void;
  /** Ends the connection: `onEvents` is not called any more. */
  close(): void;
}

/** The main thread's handle on the ledger thread. Only batches go over; nothing here waits for a disk. */
export interface LedgerThread {
  readonly opened: LedgerOpened;
  /** Rejects never; resolves with the reason if the ledger thread ends without being told to. */
  readonly failed: Promise<SortgateError>;
  /**
   * Hands an event over; it goes with the others of this turn of the event loop.
   *
   * Gives:   "taken", or "full" when too many wait for their commit. What did not fit is counted, and told by a `gap`
   *          event as soon as there is room.
   */
  append(event: ClearedEvent): "taken" | "full";
  /** Events that were handed over and are not durable yet. */
  uncommittedCount(): number;
  /** Events that found no room since the start. */
  droppedCount(): number;
  /** False while the ledger has no room for what waits. */
  hasRoom(): boolean;
  /** Tells whether the box's clock is right; nothing is destroyed for its age before. */
  clockIs(state: ClockState): void;
  backlog(broker: string): LedgerBacklog;
  ask<Name extends keyof Questions>(question: Name, detail: Questions[Name]["ask"]): Promise<Questions[Name]["answer"]>;
  /** Calls back for each event once it is durable, until the returned function is called. */
  watch(listener: (event: SealedEvent) => void): () => void;
  /** Makes durable all that was handed over, and ends it with a checkpoint. */
  checkpoint(): Promise<void>;
  /** Closes the ledger; what was handed over and is not durable yet is made so before. */
  stop(): Promise<void>;
}

export interface LedgerThreadOptions extends LedgerOptions {
  /** Read at each hand-over; stands in the next checkpoint. */
  readonly counters: () => Counters;
  readonly tell: Tell;
}

function explain(failure: LedgerFailure): SortgateError {
  return new SortgateError(failure.code, failure.sentence, { hint: failure.hint });
}

/** Starts the ledger thread and waits until its chain is open. Fails: ledger/*, identity/*. */
export function openLedgerThread(options: LedgerThreadOptions): Promise<LedgerThread> {
  const { counters, tell, ...workerData } = options;
  const worker = new Worker(new URL("./ledger-worker.js", import.meta.url), { workerData });
  return new Promise((resolve, reject) => {
    let thread: LedgerThreadInside | undefined;
    let reason = explain({ code: "ledger/io", sentence: "The ledger thread ended", hint: "see the log before this" });
    const fail = (): void => (thread === undefined ? reject(reason) : thread.ended(reason));
    worker.on("message", (message: FromLedger) => {
      if (message.type === "notice") tell(message.notice);
      else if (message.type === "failed") {
        reason = explain(message.failure);
        // The thread lets go of the file first: a process that ends while SQLite is at work would abort.
        setTimeout(fail, threadEndMs).unref();
      } else if (message.type === "opened") {
        thread = createThread(worker, message.opened, counters);
        resolve(thread.face);
      } else thread?.receive(message);
    });
    // Only the kind of an error that nobody foresaw is told: its message may hold anything.
    worker.on("error", ({ name }) => {
      const hint = "run again with SORTGATE_DEBUG=1 to see where";
      reason = explain({ code: "ledger/io", sentence: `The ledger thread broke (${name})`, hint });
    });
    worker.on("exit", fail);
  });
}

/** How long a failed ledger thread may take to end by itself. */
const threadEndMs = 1_000;

interface LedgerThreadInside {
  readonly face: LedgerThread;
  receive(message: FromLedger): void;
  /** The thread is gone, for this reason if nobody asked it to stop. */
  ended(reason: SortgateError): void;
}

/** Questions on their way, by number. */
function createQuestions(post: (message: ToLedger) => void): {
  ask: LedgerThread["ask"];
  answered(id: number, answer: unknown): void;
  refused(id: number, error: SortgateError): void;
  refuseAll(error: SortgateError): void;
} {
  const open = new Map<number, { resolve: (answer: never) => void; reject: (error: SortgateError) => void }>();
  let lastId = 0;
  let ended: SortgateError | undefined;
  return {
    ask: (question, detail) =>
      new Promise((resolve, reject) => {
        if (ended !== undefined) {
          reject(ended);
          return;
        }
        lastId += 1;
        open.set(lastId, { resolve, reject });
        post({ type: "ask", id: lastId, question, detail });
      }),
    answered(id, answer) {
      open.get(id)?.resolve(answer as never);
      open.delete(id);
    },
    refused(id, error) {
      open.get(id)?.reject(error);
      open.delete(id);
    },
    refuseAll(error) {
      ended = error;
      for (const { reject } of open.values()) reject(error);
      open.clear();
    },
  };
}

/** Events that found no room on their way to the ledger thread; told as a `gap` as soon as there is room again. */
interface Refused {
  count: number;
  readonly from: EpochMs;
  to: EpochMs;
}

/** Gathers the events of one turn of the event loop into one message, and counts what is not durable yet. */
function createIntake(
  post: (message: ToLedger) => void,
  counters: () => Counters,
): {
  append: LedgerThread["append"];
  committed(count: number): void;
  uncommittedCount(): number;
  droppedCount(): number;
  flush(): void;
} {
  let drafts: DraftMessage[] = [];
  let uncommittedCount = 0;
  let droppedCount = 0;
  let refused: Refused | undefined;

  const flush = (): void => {
    if (drafts.length === 0) return;
    post({ type: "append", drafts, counters: counters() });
    drafts = [];
  };
  const take = ({ kind, subject, at, data }: ClearedEvent): void => {
    uncommittedCount += 1;
    if (drafts.push({ kind, subject, at, data: canonicalize(data) }) === 1) setImmediate(flush);
  };
  const tellGap = ({ count, from, to }: Refused): void => {
    const range = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
    take(announce("gap", to, { reason: "intake-full", count, ...range }));
    refused = undefined;
  };

  return {
    append(event) {
      if (uncommittedCount >= limits.uncommittedEventsMax) {
        droppedCount += 1;
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
      if (refused !== undefined && uncommittedCount < limits.uncommittedEventsMax) tellGap(refused);
    },
    uncommittedCount: () => uncommittedCount,
    droppedCount: () => droppedCount,
    flush,
  };
}

function createThread(worker: Worker, opened: LedgerOpened, counters: () => Counters): LedgerThreadInside {
  const post = (message: ToLedger): void => worker.postMessage(message);
  const questions = createQuestions(post);
  const intake = createIntake(post, counters);
  const connections = new Map<string, { connection: number; onEvents: (events: readonly SealedEvent[]) => void }>();
  const listeners = new Set<(event: SealedEvent) => void>();
  let lastConnection = 0;
  let isStopping = false;
  let hasRoom = true;
  let settleFailed: (error: SortgateError) => void = () => {};
  let settleStopped: () => void = () => {};
  const failed = new Promise<SortgateError>((resolve) => (settleFailed = resolve));
  const stopped = new Promise<void>((resolve) => (settleStopped = resolve));

  function connect(broker: string, onEvents: (events: readonly SealedEvent[]) => void): LedgerConnection {
    lastConnection += 1;
    const connection = lastConnection;
    connections.set(broker, { connection, onEvents });
    post({ type: "connect", broker, connection });
    return {
      want: (count) => post({ type: "want", broker, connection, count }),
      settle: (sequences, refused) => post({ type: "settle", broker, sequences, refused }),
      close() {
        if (connections.get(broker)?.connection === connection) connections.delete(broker);
      },
    };
  }

  const face: LedgerThread = {
    opened,
    failed,
    append: intake.append,
    uncommittedCount: intake.uncommittedCount,
    droppedCount: intake.droppedCount,
    hasRoom: () => hasRoom,
    clockIs: (state) => post({ type: "clock", state }),
    backlog: (broker) => ({ connect: (onEvents) => connect(broker, onEvents) }),
    ask: questions.ask,
    watch(listener) {
      if (listeners.size === 0) post({ type: "watch", on: true });
      listeners.add(listener);
      return () => {
        if (listeners.delete(listener) && listeners.size === 0) post({ type: "watch", on: false });
      };
    },
    async checkpoint() {
      intake.flush();
      await questions.ask("checkpoint", { counters: counters() });
    },
    stop() {
      isStopping = true;
      intake.flush();
      post({ type: "stop" });
      return stopped;
    },
  };

  return {
    face,
    receive(message) {
      if (message.type === "committed") intake.committed(message.count);
      else if (message.type === "room") hasRoom = message.hasRoom;
      else if (message.type === "batch") {
        const state = connections.get(message.broker);
        if (state?.connection === message.connection) state.onEvents(unpackEvents(message.batch));
      } else if (message.type === "live")
        for (const event of unpackEvents(message.batch)) for (const listener of listeners) listener(event);
      else if (message.type === "answer") questions.answered(message.id, message.answer);
      else if (message.type === "refusal") questions.refused(message.id, explain(message.failure));
      else if (message.type === "stopped") settleStopped();
    },
    ended(reason) {
      questions.refuseAll(reason);
      if (!isStopping) settleFailed(reason);
      settleStopped();
    },
  };
}
