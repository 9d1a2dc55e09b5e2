import { createHash } from "node:crypto";
import type { Config } from "../config/index.ts";
import type { Erasure, OrdersStatus, Subject } from "../control/index.ts";
import { claimOf } from "../guard/policy/index.ts";
import { orderMemory } from "../identity/index.ts";
import { type Clock, pause, systemTimers, type Timers } from "../lib/clock.ts";
import { noRoom, SortgateError } from "../model/error.ts";
import { announce, type TellChain } from "../model/event.ts";
import type { DataOf } from "../model/event-fields.ts";
import { limits } from "../model/limits.ts";
import type { Tell } from "../model/notice.ts";
import type { LedgerThread } from "../workers/index.ts";
import {
  compare,
  type Incoming,
  judge,
  type KeyFault,
  keyFault,
  type Proven,
  type Refused,
  tooLarge,
  unjudged,
} from "./judge.ts";
import { createOrderRefusals } from "./refusals.ts";
import { createQueue, createTurns } from "./turns.ts";

/** What orders need of the gateway. */
export interface OrderSources {
  readonly gateway: { readonly site: string; readonly id: string; readonly data_dir: string };
  /** The centre's public key (PEM); read anew for each order. */
  readonly keyFile: string;
  readonly clock: Clock;
  readonly tell: Tell;
  readonly announce: TellChain;
  /** Resolves once all that was announced is durable. Fails: ledger/full if it found no room. */
  readonly durable: () => Promise<unknown>;
  /** Erases what belongs to these subjects, as `sortgate erase` does. Fails: usage/invalid while another one goes on, ledger/*. */
  readonly erase: (subjects: readonly Subject[]) => Promise<Erasure>;
  readonly timers?: Pick<Timers, "after">;
}

/**
 * Carries out what the centre orders, one order at a time.
 *
 * 1. Nothing is done but what the centre signed for this gateway, with a number above that of the last one done.
 * 2. A number is remembered once its order is done and the chain tells it: a crash in between does it again.
 * 3. What cannot be done now (another erasure goes on, no room), or not be judged for want of the centre's key, is tried
 *    until it is; later orders wait for it.
 * 4. No more than `limits.ordersWaitingMax` wait; what comes beyond is refused, and told like what does not hold. From
 *    then on none with a higher number is taken until that number comes again, or the gateway starts anew.
 * 5. No more than `limits.ordersJudgedBytesMax` wait to be judged. Of what comes beyond nobody knows whether it is the
 *    centre's: from then on each must have the number behind the last one taken, until the gateway starts anew.
 */
export interface Orders {
  /** Takes what a broker sent; returns at once. An empty message is an order that was cleared. False: there is no room. */
  take(broker: string, bytes: Uint8Array): boolean;
  /** More came than was taken in: what follows must leave out no number. */
  missed(): void;
  /** How orders do, for a status. */
  state(): Promise<OrdersStatus>;
  /** Takes no more, and tries nothing again. What goes on in the ledger ends with it. */
  close(): void;
}

/** Somebody at the box erases something: that seldom takes long. */
const busyMs = 1_000;
const retryMs = 60_000;

export function openOrders(sources: OrderSources): Orders {
  const { timers = systemTimers, tell } = sources;
  const { signal, abort } = abortable();
  const refusals = createOrderRefusals(sources);
  const memory = orderMemory(sources.gateway.data_dir);

  const lastDone = (): Promise<number> =>
    memory.read().then(
      (done) => done?.order ?? 0,
      () => 0,
    );
  const { delays, insist } = createInsistence(signal, timers, tell);

  const proven = createQueue<Proven>(signal, { max: limits.ordersWaitingMax, sizeOf: () => 1 }, (order) => {
    const progress: Progress = {};
    return insist("doing", order, async () => {
      const refused = await attempt(order, progress, memory, sources);
      if (refused !== undefined) refusals.refuse(order.broker, refused.refused, { ...order, order: refused.order });
    });
  });
  const turns = createTurns(proven);
  // What the centre did not sign is judged in milliseconds, and so never keeps out what waits for an order before it.
  const room = { max: limits.ordersJudgedBytesMax, sizeOf: ({ bytes }: Incoming) => bytes.length };
  const arrived = createQueue<Incoming>(signal, room, (message) =>
    insist("judging", message, async () => {
      const { broker, sha256 } = message;
      const judged = await judge(message, sources);
      if ("refused" in judged) return refusals.refuse(broker, judged.refused, { sha256, order: judged.order });
      if (proven.holds(sha256)) return;
      const { order } = judged;
      const refused = turns.admit({ ...message, order }, await lastDone());
      if (refused !== undefined) refusals.refuse(broker, refused, { sha256, order });
    }),
  );
  void tellKey(sources);
  let isAfterGap = false;
  /** Gives true: whatever becomes of more, they may come. */
  const refuse = (...refused: Parameters<typeof refusals.refuse>): true => {
    refusals.refuse(...refused);
    return true;
  };

  return {
    take(broker, bytes) {
      if (bytes.length === 0 || signal.aborted) return true;
      if (bytes.length > limits.orderBytesMax) return refuse(broker, tooLarge(bytes.length), { sha256: "" });
      // A copy: what came in lies in a buffer that may be far larger.
      const own = Buffer.from(Buffer.from(bytes).toString("latin1").trim(), "latin1");
      const sha256 = createHash("sha256").update(own).digest("hex");
      if (arrived.holds(sha256) || refusals.isKnown(sha256)) return true;
      const claim = claimOf("order", own);
      if ("refused" in claim) return refuse(broker, { ...claim.refused, reason: "unsigned" }, { sha256 });
      if (arrived.add({ broker, bytes: own, sha256, isAfterGap })) return true;
      isAfterGap = true;
      refusals.refuse(broker, unjudged, { sha256 });
      return false;
    },
    missed() {
      isAfterGap = true;
    },
    async state() {
      const last = await lastDone();
      const missing = turns.missing(last);
      const { doing, judging } = delays;
      const delay = doing ?? judging;
      const fault = await keyFault(sources.keyFile);
      return {
        ...(last > 0 && { last }),
        waitingCount: proven.items().length + (judging === undefined ? 0 : arrived.items().length),
        ...(delay !== undefined && { delayed: delay }),
        ...(fault !== undefined && delay?.problem !== fault.sentence && { keyProblem: keyProblem(fault) }),
        ...(missing !== undefined && { missing }),
        refusedCount: refusals.counts(),
      };
    },
    close() {
      abort();
      refusals.close();
    },
  };
}

const keyProblem = ({ sentence, hint }: KeyFault) => ({ problem: sentence, hint });

type Delay = NonNullable<OrdersStatus["delayed"]>;

/** What cannot be done now is tried again; `delays` has what keeps it meanwhile. */
function createInsistence(signal: AbortSignal, timers: Pick<Timers, "after">, tell: Tell) {
  const delays: { [stage in "judging" | "doing"]?: Delay } = {};
  return {
    delays,
    /** Tries it until it works, or the gateway stops. Fails: never. */
    async insist(stage: keyof typeof delays, one: Incoming | Proven, work: () => Promise<void>): Promise<void> {
      while (!signal.aborted) {
        try {
          await work();
          delete delays[stage];
          return;
        } catch (error) {
          if (signal.aborted) return;
          const isBusy = error instanceof SortgateError && error.code === "usage/invalid";
          if (!isBusy) {
            const delay = delayOf(one, error);
            delays[stage] = delay;
            tell(delayed(delay));
          }
          await pause(isBusy ? busyMs : retryMs, signal, timers);
        }
      }
    },
  };
}

/** Without the key no order is carried out, and the first may come in a year. */
async function tellKey({ keyFile, tell }: OrderSources): Promise<void> {
  const fault = await keyFault(keyFile);
  if (fault === undefined) return;
  const message = `No order of the centre can be proven: ${fault.sentence}. Try: ${fault.hint}`;
  tell({ name: "order/refused", level: "error", message, fields: { reason: "key" } });
}

function abortable(): { readonly signal: AbortSignal; readonly abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

/** What of an order was done by attempts before. */
interface Progress {
  isBegun?: boolean;
  erasure?: Erasure;
  isTold?: boolean;
}

/** Does what of an order is not done yet. Gives why it must not be done, if so. Fails: if it cannot be done now. */
async function attempt(
  proven: Proven,
  progress: Progress,
  memory: ReturnType<typeof orderMemory>,
  sources: OrderSources,
): Promise<Refused | undefined> {
  const { announce, durable, erase, tell } = sources;
  const { order, sha256, broker } = proven;
  const compared = compare(proven, await memory.read());
  if (compared !== "new") return compared === "same" ? undefined : { refused: compared, order };
  if (progress.isBegun !== true) {
    // It may have waited for long: its time may be over, and the centre may have another key.
    const judged = await judge(proven, sources);
    if ("refused" in judged) return judged;
  }
  const about = { broker, order: order.order, sha256, reason: order.reason, subjects: order.erase.length };
  const say = (action: string, more: DataOf<"audit"> = {}): void => {
    if (!announce("audit", { action, ...about, ...more })) throw noRoom();
  };
  // Before the first event goes: an order that is cut short has been one too.
  if (progress.isBegun !== true) say("order");
  progress.isBegun = true;
  progress.erasure ??= await erase(order.erase);
  const { count, salvagedCount, unreadableCount, files } = progress.erasure;
  if (progress.isTold !== true) {
    const damaged = files.length > 0 && { damagedFiles: files.length };
    say("order-done", { count, salvagedCount, unreadableCount, ...damaged });
    await durable();
  }
  progress.isTold = true;
  if (!(await memory.write({ order: order.order, sha256 })))
    throw new SortgateError("identity/unwritable", `There is no folder for ${memory.path}`, {
      hint: "ls -ld on data_dir; the next start makes its identity anew",
    });
  tell(doneNotice(proven, progress.erasure));
  return undefined;
}

const eventsText = (count: number): string => (count === 1 ? "1 event" : `${count} events`);

function doneNotice({ order, broker }: Proven, erasure: Erasure): Parameters<Tell>[0] {
  const { count, salvagedCount, unreadableCount, files } = erasure;
  const told = `Order ${order.order} of the centre is carried out: ${eventsText(count + salvagedCount)} erased`;
  const left = [
    ...(unreadableCount > 0 ? [`${eventsText(unreadableCount)} cannot be read`] : []),
    ...(files.length > 0 ? [`nothing is erased from damaged ledgers (${files.join(", ")})`] : []),
  ];
  const fields = { broker, order: order.order, count: count + salvagedCount };
  if (left.length === 0) return { name: "order/done", level: "info", message: told, fields };
  const message = `${told}, but ${left.join(", and ")}. Try: sortgate queue verify; what it names may be of the same persons`;
  return { name: "order/done", level: "warn", message, fields };
}

function delayOf(one: Incoming | Proven, error: unknown): Delay {
  const { message, hint = "" } =
    error instanceof SortgateError
      ? error
      : { message: `a fault of the program (${(error as Error | undefined)?.name})`, hint: "report it" };
  return { broker: one.broker, ...("order" in one && { order: one.order.order }), problem: message, hint };
}

function delayed({ broker, order, problem, hint }: Delay): Parameters<Tell>[0] {
  const what =
    order === undefined
      ? `An order by broker "${broker}" cannot be judged yet`
      : `Order ${order} of the centre is not done yet`;
  return {
    name: "order/delayed",
    level: "warn",
    message: `${what}, and is tried again in ${retryMs / 1_000} s: ${problem}. Try: ${hint}`,
    fields: { broker, ...(order !== undefined && { order }) },
  };
}

/** Carries out what comes by brokers with `orders = true`; undefined if there are none. */
export function ordersOf(
  { config, ledger, clock, tell }: OrderWiring,
  known: (subject: Subject) => Subject,
): Orders | undefined {
  const { gateway, guard, brokers } = config;
  const { policy_key_file: keyFile } = guard;
  if (keyFile === undefined || !brokers.some(({ orders }) => orders)) return undefined;
  return openOrders({
    gateway,
    keyFile,
    clock,
    tell,
    announce: (kind, data) => ledger.hasRoom() && ledger.append(announce(kind, clock.wallMs(), data)) === "taken",
    async durable() {
      await ledger.ask("beat", { withinMs: 0 });
      if (!ledger.hasRoom()) throw noRoom();
    },
    erase: (subjects) => ledger.ask("erase", subjects.map(known)),
  });
}

interface OrderWiring {
  readonly config: Config;
  readonly ledger: Pick<LedgerThread, "append" | "ask" | "hasRoom">;
  readonly clock: Clock;
  readonly tell: Tell;
}
