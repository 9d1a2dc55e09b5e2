// The ledger thread: seal + ledger. The chain needs one order, SQLite one writer, the key one holder: that is one thread.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { openIdentity } from "../identity/index.ts";
import { type Ledger, openLedger, type StoredEvent } from "../ledger/index.ts";
import { assert } from "../lib/assert.ts";
import { createSystemClock } from "../lib/clock.ts";
import { SortgateError } from "../model/error.ts";
import { limits } from "../model/limits.ts";
import type { Tell } from "../model/notice.ts";
import { createEpochKey, createSealer, type EpochKey, epochData, type Sealer } from "../seal/index.ts";
import { packEvents } from "./event-batch.ts";
import { type BeginEpoch, createLedgerCore, type LedgerCore } from "./ledger-core.ts";
import type { FromLedger, LedgerFailure, LedgerOptions, Questions, ToLedger } from "./messages.ts";
import { recallEvents } from "./recall.ts";

assert(parentPort !== null, "this file runs as a worker thread");
const port = parentPort;
const options = workerData as LedgerOptions;
const clock = createSystemClock();

/** How often time alone may make a commit due: settled cursors, checkpoints, a new key. */
const tickMs = 50;
const retainTickMs = 600_000;
/** How soon it is noticed that somebody removed the file. */
const placeTickMs = 1_000;

function post(message: FromLedger, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

const tell: Tell = (notice) => post({ type: "notice", notice });

function failure(error: unknown): LedgerFailure {
  if (error instanceof SortgateError) return { code: error.code, sentence: error.message, hint: error.hint };
  return {
    code: "ledger/io",
    sentence: `The ledger thread failed (${error instanceof Error ? error.name : typeof error})`,
    hint: "run again with SORTGATE_DEBUG=1 to see where",
  };
}

/** The next start reads the whole ledger before it trusts it. On a disk that takes nothing it cannot be told. */
let doubt = (): void => {};
/** Closes the ledger after a failure. */
let leave = (): void => {};

/** A storage error leaves SQLite's view of the file in doubt: the process ends, and the next one looks afresh. */
function fail(error: unknown): void {
  if (process.env.SORTGATE_DEBUG === "1" && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  const told = failure(error);
  if (["ledger/io", "ledger/corrupt"].includes(told.code)) doubt();
  leave();
  post({ type: "failed", failure: told });
  port.close();
}

interface Connection {
  connection: number;
  wantCount: number;
}

function serveBrokers(core: LedgerCore, connections: Map<string, Connection>): void {
  for (const [broker, state] of connections) {
    if (state.wantCount <= 0) continue;
    const events = core.outbox.lease(broker, state.wantCount);
    if (events.length === 0) continue;
    state.wantCount -= events.length;
    const batch = packEvents(events);
    post({ type: "batch", broker, connection: state.connection, batch }, [batch.bytes.buffer]);
  }
}

function answer(core: LedgerCore, ledger: Ledger, message: Extract<ToLedger, { type: "ask" }>): void {
  const { id, question } = message;
  try {
    if (question === "events") {
      const { from, to, bytesMax } = message.detail as Questions["events"]["ask"];
      const batch = packEvents(ledger.read(from, to, bytesMax));
      post({ type: "answer", id, answer: batch }, [batch.bytes.buffer]);
    } else if (question === "checkpoint") {
      const { counters } = message.detail as Questions["checkpoint"]["ask"];
      post({ type: "answer", id, answer: { sequence: core.finish(counters) } });
    } else if (question === "refused") {
      const lists = options.brokers.map((broker) => [broker, ledger.refused(broker, limits.refusedListMax)] as const);
      post({ type: "answer", id, answer: Object.fromEntries(lists) });
    } else if (question === "replay") {
      const { broker, from, to } = message.detail as Questions["replay"]["ask"];
      post({ type: "answer", id, answer: { count: core.replay(broker, from, to) } });
    } else if (question === "beat") {
      core.beat((message.detail as Questions["beat"]["ask"]).withinMs);
      post({ type: "answer", id, answer: null });
    } else post({ type: "answer", id, answer: question === "stats" ? core.stats() : core.rotateKey() });
  } catch (error) {
    post({ type: "refusal", id, failure: failure(error) });
    const isHarmless = error instanceof SortgateError && /^(ledger\/full|usage\/)/.test(error.code);
    if (!isHarmless) throw error;
  }
}

/** Reads messages until told to stop: everything that arrived during a commit goes into the next one. */
function serve(core: LedgerCore, ledger: Ledger, setLive: (on: boolean) => void, flush: () => void): void {
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
      fail(error);
    }
  };
  const work = (): void => {
    isScheduled = false;
    guarded(() => {
      core.commit();
      flush();
      serveBrokers(core, connections);
    });
    if (!isOver && core.due()) schedule();
  };
  const schedule = (): void => {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(work);
  };
  const tick = setInterval(() => core.due() && schedule(), tickMs);
  const retain = setInterval(() => guarded(() => core.retain()), retainTickMs);
  const place = setInterval(() => guarded(() => ledger.checkPlace()), placeTickMs);
  const stop = (): void => {
    isOver = true;
    clearInterval(place);
    clearInterval(tick);
    clearInterval(retain);
  };

  port.on("message", (message: ToLedger) =>
    guarded(() => {
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
        core.retain();
      } else if (message.type === "ask") answer(core, ledger, message);
      else {
        core.flush();
        stop();
        flush();
        ledger.close();
        post({ type: "stopped" });
        port.close();
        return;
      }
      schedule();
    }),
  );
}

async function open(): Promise<void> {
  const { dataDir, site, gateway } = options;
  const identity = await openIdentity({ dataDir, gateway, site, clock, tell });
  const ledger = openLedger(join(dataDir, "ledger.db"), options.bytesMax);
  doubt = () => {
    try {
      ledger.doubt();
    } catch {
      // The disk that failed may fail here too.
    }
  };
  // When the thread ends SQLite is closed in any case, and folds and removes the log if the disk lets it: nobody is to
  // miss that log later. A disk that fails for good keeps the log and its mark.
  leave = () => {
    try {
      ledger.close();
    } catch {
      // As above.
    }
  };
  const known = ledger.chain();
  const chain = known?.chain ?? randomBytes(6).toString("hex");
  const recalled = recallEvents(ledger, options.recallMs, tell);
  const sealer: Sealer = createSealer({ chain, gateway, site, state: known });
  let epochKey: EpochKey | undefined;
  const beginEpoch: BeginEpoch = (sequence, reason) => {
    const before = epochKey;
    const key = createEpochKey();
    const { software, configDigest } = options;
    const data = epochData({ chain, gateway, site, sequence, key, device: identity, software, configDigest, reason });
    sealer.useKey(key);
    epochKey = key;
    const revert = (): void => {
      if (before !== undefined) sealer.useKey(before);
      epochKey = before;
    };
    return { kid: key.kid, data, revert };
  };
  let isLive = false;
  let live: StoredEvent[] = [];
  let committedCount = 0;
  const core = createLedgerCore({
    ledger,
    sealer,
    chain,
    options,
    beginEpoch,
    clock,
    tell,
    committed(events, appendedCount) {
      committedCount += appendedCount;
      if (isLive) live.push(...events);
    },
  });
  let hadRoom = true;
  const flush = (): void => {
    if (core.hasRoom() !== hadRoom) {
      hadRoom = core.hasRoom();
      post({ type: "room", hasRoom: hadRoom });
    }
    if (committedCount > 0) post({ type: "committed", count: committedCount });
    committedCount = 0;
    if (live.length === 0) return;
    const batch = packEvents(live);
    live = [];
    post({ type: "live", batch }, [batch.bytes.buffer]);
  };
  core.start(known === undefined);
  for (const file of ledger.unsalvaged())
    core.salvage(file, ledger.moved?.file === file ? ledger.moved.what : "moved aside");
  const { subject, fingerprint, notAfter, certificatePath: path, keyPath } = identity;
  post({
    type: "opened",
    opened: {
      chain,
      sequence: sealer.state().sequence,
      certificate: { subject, fingerprint, notAfter: new Date(notAfter).toISOString(), path, keyPath },
      ...recalled,
    },
  });
  serve(core, ledger, (on) => (isLive = on), flush);
}

open().catch(fail);
