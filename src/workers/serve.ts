import type { Ledger } from "../ledger/index.ts";
import type { Timers } from "../lib/clock.ts";
import { SortgateError } from "../model/error.ts";
import { limits } from "../model/limits.ts";
import type { LedgerCore } from "./core-face.ts";
import type { Early } from "./early.ts";
import { packEvents, packPortion } from "./event-batch.ts";
import type { ErasureReport, FromLedger, LedgerFailure, Questions, Subject, ToLedger } from "./messages.ts";
import type { Viewed } from "./views.ts";

/** The ledger thread's end of the way between it and the main thread. */
export interface LedgerPort {
  post(message: FromLedger, transfer?: ArrayBuffer[]): void;
  onMessage(listener: (message: ToLedger) => void): void;
  /** A message that has come already, before `onMessage` gets it; undefined if there is none. */
  poll?(): ToLedger | undefined;
  /** Nothing comes or goes any more. */
  close(): void;
}

export interface ServedLedger {
  readonly port: LedgerPort;
  readonly core: LedgerCore;
  readonly ledger: Ledger;
  readonly brokers: readonly string[];
  readonly timers: Timers;
  /** Whether events that were committed are to be told one by one. */
  readonly setLive: (on: boolean) => void;
  /** Tells what was committed since the last time. */
  readonly flush: () => void;
  readonly early: Early;
  /** What brokers with a view get in the place of events. */
  readonly viewed: Viewed;
}

/** How often time alone may make a commit due: settled cursors, checkpoints, a new key. */
const tickMs = 50;
const retainTickMs = 600_000;
/** How soon keys of tokens that are too old go, where no view is made. */
const expireTickMs = 60_000;
/** How soon what is destroyed for its age, or for want of room, is overwritten in the log too. */
const wipeTickMs = 60_000;
/** How soon it is noticed that somebody removed the file. */
const placeTickMs = 1_000;

function failure(error: unknown): LedgerFailure {
  if (error instanceof SortgateError) return { code: error.code, sentence: error.message, hint: error.hint };
  return {
    code: "ledger/io",
    sentence: `The ledger thread failed (${error instanceof Error ? error.name : typeof error})`,
    hint: "run again with SORTGATE_DEBUG=1 to see where",
  };
}

/**
 * A storage error leaves SQLite's view of the file in doubt: the process ends, and the next one looks afresh.
 *
 * Takes:   the ledger, if it was open: the next start reads all of it before it trusts it. When the thread ends SQLite
 *          is closed in any case, and folds and removes the log if the disk lets it: nobody is to miss that log later.
 *          A disk that fails for good keeps the log and its mark.
 */
export function failLedger(port: LedgerPort, error: unknown, ledger?: Ledger): void {
  if (process.env.SORTGATE_DEBUG === "1" && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  const told = failure(error);
  // The disk that failed may fail here too.
  if (["ledger/io", "ledger/corrupt"].includes(told.code)) attempt(() => ledger?.doubt());
  attempt(() => ledger?.close());
  port.post({ type: "failed", failure: told });
  port.close();
}

function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // What fails here has failed before, and was told.
  }
}

interface Connection {
  connection: number;
  wantCount: number;
}

function serveBrokers({ port, core, viewed }: ServedLedger, connections: Map<string, Connection>): void {
  for (const [broker, state] of connections) {
    if (state.wantCount <= 0 || (viewed.has(broker) && !core.hasKey)) continue;
    const events = core.outbox.lease(broker, state.wantCount);
    if (events.length === 0) continue;
    state.wantCount -= events.length;
    const batch = packPortion(viewed.of(broker, events));
    port.post({ type: "batch", broker, connection: state.connection, batch }, [batch.bytes.buffer]);
  }
}

function answer({ port, core, ledger, brokers }: ServedLedger, message: Extract<ToLedger, { type: "ask" }>): void {
  const { id, question } = message;
  try {
    if (question === "events") {
      const { from, to, bytesMax } = message.detail as Questions["events"]["ask"];
      const batch = packEvents(ledger.read(from, to, bytesMax).map(core.givenAway));
      port.post({ type: "answer", id, answer: batch }, [batch.bytes.buffer]);
    } else if (question === "checkpoint") {
      const { counters } = message.detail as Questions["checkpoint"]["ask"];
      port.post({ type: "answer", id, answer: { sequence: core.finish(counters) } });
    } else if (question === "refused") {
      const lists = brokers.map((broker) => [broker, ledger.refused(broker, limits.refusedListMax)] as const);
      port.post({ type: "answer", id, answer: Object.fromEntries(lists) });
    } else if (question === "replay") {
      const { broker, from, to } = message.detail as Questions["replay"]["ask"];
      port.post({ type: "answer", id, answer: { count: core.replay(broker, from, to) } });
    } else if (question === "beat") {
      core.beat((message.detail as Questions["beat"]["ask"]).withinMs);
      port.post({ type: "answer", id, answer: null });
    } else port.post({ type: "answer", id, answer: question === "stats" ? core.stats() : core.rotateKey() });
  } catch (error) {
    port.post({ type: "refusal", id, failure: failure(error) });
    const isHarmless = error instanceof SortgateError && /^(ledger\/full|usage\/)/.test(error.code);
    if (!isHarmless) throw error;
  }
}

function answerErasure(port: LedgerPort, id: number, outcome: ErasureReport | SortgateError): void {
  if (outcome instanceof SortgateError) port.post({ type: "refusal", id, failure: failure(outcome) });
  else port.post({ type: "answer", id, answer: outcome });
}

/** Reads messages until told to stop: everything that arrived during a commit goes into the next one. */
export function serveLedger(served: ServedLedger): void {
  const { port, core, ledger, timers, setLive, flush, early, viewed } = served;
  const connections = new Map<string, Connection>();
  let isScheduled = false;
  let isOver = false;

  /** After a failure nothing touches the ledger any more: the thread only ends. */
  const guarded = (work: () => void): void => {
    if (isOver) return;
    try {
      work();
    } catch (error) {
      stop();
      failLedger(port, error, ledger);
    }
  };
  const work = (): void => {
    isScheduled = false;
    guarded(() => {
      core.commit();
      takeEarly();
      // The ledger is closed if one of them was the stop.
      if (isOver) return;
      flush();
      serveBrokers(served, connections);
    });
    if (!isOver && core.due()) schedule();
  };
  const schedule = (): void => {
    if (isScheduled) return;
    isScheduled = true;
    timers.soon(work);
  };
  const wipe = (): void => guarded(() => ledger.wipe() === "more" && timers.soon(wipe));
  const destroy = (): void => {
    // One part of one piece of work: what belongs to somebody goes before what is old.
    guarded(() => (core.erasing.step() || core.retain()) && timers.soon(destroy));
    // What came meanwhile, and what brokers want, is served between two parts.
    schedule();
  };
  const retain = (): void => {
    guarded(core.readOn.bind(core));
    guarded(core.erasing.expire);
    destroy();
  };
  const clocks = [
    timers.every(tickMs, () => core.due() && schedule()),
    timers.every(retainTickMs, retain),
    timers.every(expireTickMs, viewed.expire),
    timers.every(wipeTickMs, wipe),
    timers.every(placeTickMs, () => guarded(() => ledger.checkPlace())),
  ];
  const stop = (): void => {
    isOver = true;
    for (const end of clocks) end();
  };

  const take = (message: ToLedger): void => {
    if (message.type === "append") core.append(message.drafts, message.counters);
    else if (message.type === "settle") core.outbox.settle(message.broker, message.sequences, message.refused);
    else if (message.type === "connect") {
      core.outbox.connect(message.broker);
      connections.set(message.broker, { connection: message.connection, wantCount: 0 });
    } else if (message.type === "want") {
      const state = connections.get(message.broker);
      if (state?.connection === message.connection) state.wantCount += message.count;
    } else if (message.type === "watch") setLive(message.on);
    else if (message.type === "clock") {
      core.clockIs(message.state);
      retain();
    } else if (message.type === "ask" && message.question === "erase") {
      core.erasing.begin(message.detail as readonly Subject[], (outcome) => answerErasure(port, message.id, outcome));
      destroy();
    } else if (message.type === "ask") answer(served, message);
    else {
      core.flush();
      stop();
      flush();
      ledger.close();
      port.post({ type: "stopped" });
      port.close();
      return;
    }
    schedule();
  };
  const takeEarly = (): void => {
    for (let message = early.next(); message !== undefined && !isOver; message = early.next()) take(message);
  };
  port.onMessage((message) =>
    guarded(() => {
      takeEarly();
      if (!isOver) take(message);
    }),
  );
}
