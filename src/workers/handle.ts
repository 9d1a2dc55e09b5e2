import type { Timers } from "../lib/clock.ts";
import { SortgateError } from "../model/error.ts";
import type { ClearedEvent, SealedEvent } from "../model/event.ts";
import type { DurationMs } from "../model/units.ts";
import { unpackEvents } from "./event-batch.ts";
import { createIntake } from "./intake.ts";
import type {
  ClockState,
  Counters,
  FromLedger,
  LedgerFailure,
  LedgerOpened,
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
  /** Resolves once what was settled is durable, or finds no room to be. Fails: the ledger has ended. */
  written(): Promise<unknown>;
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
  /** Since the last of them; undefined: there was none. */
  droppedAgoMs(): DurationMs | undefined;
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

/** The handle, and the ends of it that belong to whoever carries the messages. */
export interface LedgerHandle {
  readonly face: LedgerThread;
  receive(message: FromLedger): void;
  /** The thread is gone, for this reason if nobody asked it to stop. */
  ended(reason: SortgateError): void;
}

export interface LedgerHandleOptions {
  /** Carries a message to the ledger thread, in order. */
  readonly post: (message: ToLedger) => void;
  readonly opened: LedgerOpened;
  /** Read at each hand-over; stands in the next checkpoint. */
  readonly counters: () => Counters;
  readonly timers: Timers;
  readonly uncommittedMax?: number;
}

export function explainFailure(failure: LedgerFailure): SortgateError {
  return new SortgateError(failure.code, failure.sentence, { hint: failure.hint });
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

/** Makes the handle on a ledger thread that is open. */
export function createLedgerHandle(options: LedgerHandleOptions): LedgerHandle {
  const { post, opened, counters, timers, uncommittedMax } = options;
  const questions = createQuestions(post);
  const intake = createIntake({ post, counters, timers, uncommittedMax });
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
      written: () => questions.ask("beat", { withinMs: 0 }),
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
    droppedAgoMs: intake.droppedAgoMs,
    hasRoom: () => hasRoom,
    clockIs: (state) => post({ type: "clock", state }),
    backlog: (broker) => ({ connect: (onEvents) => connect(broker, onEvents) }),
    ask(question, detail) {
      // What was handed over before is there before.
      intake.flush();
      return questions.ask(question, detail);
    },
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
      else if (message.type === "refusal") questions.refused(message.id, explainFailure(message.failure));
      else if (message.type === "stopped") settleStopped();
    },
    ended(reason) {
      questions.refuseAll(reason);
      if (!isStopping) settleFailed(reason);
      settleStopped();
    },
  };
}
