import { createHash } from "node:crypto";
import type { Config, Judgement } from "./config/index.ts";
import type { Erasure, Subject } from "./control/index.ts";
import { centreKeyOf, claimOf, provenByCentre } from "./guard/policy/index.ts";
import { type DoneOrder, orderMemory } from "./identity/index.ts";
import { type Clock, pause, systemTimers, type Timers } from "./lib/clock.ts";
import { readSmallFile } from "./lib/small-file.ts";
import { SortgateError, systemCode } from "./model/error.ts";
import { announce, type TellChain } from "./model/event.ts";
import type { DataOf } from "./model/event-fields.ts";
import { limits } from "./model/limits.ts";
import type { Tell } from "./model/notice.ts";
import { type Order, readOrderText } from "./order.ts";
import { createOrderRefusals, type OrderRefusal } from "./order-refusals.ts";
import type { LedgerThread } from "./workers/index.ts";

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
 * 3. What cannot be done now (another erasure goes on, no room) is tried until it is done; later orders wait for it.
 * 4. No more than `limits.ordersWaitingMax` wait; what comes beyond is refused, and told like what does not hold.
 */
export interface Orders {
  /** Takes what a broker sent; returns at once. An empty message is an order that was cleared. */
  take(broker: string, bytes: Uint8Array): void;
  /** Takes no more, and tries nothing again. What goes on in the ledger ends with it. */
  close(): void;
}

interface Incoming {
  readonly broker: string;
  readonly bytes: Buffer;
  readonly sha256: string;
}

/** An order that the centre signed for this gateway. */
interface Proven {
  readonly order: Order;
  readonly sha256: string;
  readonly broker: string;
}

/** Somebody at the box erases something: that seldom takes long. */
const busyMs = 1_000;
const retryMs = 60_000;

export function openOrders(sources: OrderSources): Orders {
  const { timers = systemTimers, tell } = sources;
  const { signal, abort } = abortable();
  const refusals = createOrderRefusals(sources);
  const memory = orderMemory(sources.gateway.data_dir);

  const proven = createQueue<Proven>(signal, limits.ordersWaitingMax, async (order) => {
    const progress: Progress = {};
    while (!signal.aborted) {
      try {
        const refused = await attempt(order, progress, memory, sources);
        if (refused !== undefined) refusals.refuse(order.broker, refused, order);
        return;
      } catch (error) {
        if (signal.aborted) return;
        const isBusy = error instanceof SortgateError && error.code === "usage/invalid";
        if (!isBusy) tell(delayed(order, error));
        await pause(isBusy ? busyMs : retryMs, signal, timers);
      }
    }
  });
  // What the centre did not sign is judged in milliseconds, and so never keeps out what waits for an order before it.
  const arrived = createQueue<Incoming>(signal, limits.ordersJudgedMax, async (message) => {
    const { broker, sha256 } = message;
    const judged = await judge(message, sources);
    if ("refused" in judged) refusals.refuse(broker, judged.refused, { sha256, order: judged.order });
    else if (!proven.holds(sha256) && !proven.add({ broker, sha256, order: judged.order }))
      refusals.refuse(broker, tooMany, { sha256, order: judged.order });
  });

  return {
    take(broker, bytes) {
      if (bytes.length === 0 || signal.aborted) return;
      if (bytes.length > limits.orderBytesMax) return refusals.refuse(broker, tooLarge(bytes.length), { sha256: "" });
      // A copy: what came in lies in a buffer that may be far larger.
      const own = Buffer.from(Buffer.from(bytes).toString("latin1").trim(), "latin1");
      const sha256 = createHash("sha256").update(own).digest("hex");
      if (arrived.holds(sha256) || refusals.isKnown(sha256)) return;
      const claim = claimOf("order", own);
      if ("refused" in claim) return refusals.refuse(broker, { ...claim.refused, reason: "unsigned" }, { sha256 });
      if (!arrived.add({ broker, bytes: own, sha256 })) refusals.refuse(broker, tooMany, { sha256 });
    },
    close: abort,
  };
}

function abortable(): { readonly signal: AbortSignal; readonly abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

/** Works on one after the other; `work` must not reject. */
function createQueue<Item extends { readonly sha256: string }>(
  signal: AbortSignal,
  countMax: number,
  work: (item: Item) => Promise<void>,
) {
  const items: Item[] = [];
  const run = async (): Promise<void> => {
    for (let next = items[0]; next !== undefined && !signal.aborted; next = items[0]) {
      await work(next);
      items.shift();
    }
  };
  return {
    holds: (sha256: string) => items.some((item) => item.sha256 === sha256),
    /** False: too many wait. */
    add(item: Item): boolean {
      if (items.length > countMax) return false;
      if (items.push(item) === 1) void run();
      return true;
    },
  };
}

const tooLarge = (byteCount: number): OrderRefusal => ({
  reason: "too-large",
  sentence: `it has ${byteCount} bytes; allowed: ${limits.orderBytesMax}`,
  hint: "have the centre make two of it",
});

const tooMany: OrderRefusal = {
  reason: "too-many",
  sentence: `more than ${limits.ordersWaitingMax} orders wait for the one that is being carried out`,
  hint: "have the centre wait for the audit event of an order (order-done) before it sends the next",
};

type Judged = { readonly order: Order } | { readonly refused: OrderRefusal; readonly order?: Order };

const refuse = (
  reason: OrderRefusal["reason"],
  sentence: string,
  hint: string,
): { readonly refused: OrderRefusal } => ({
  refused: { reason, sentence, hint },
});

/** Whether the centre signed it for this gateway and this day. Fails: never. */
async function judge({ bytes }: Incoming, { keyFile, gateway, clock }: OrderSources): Promise<Judged> {
  const key = await readKey(keyFile);
  if ("refused" in key) return key;
  const proven = await provenByCentre("order", bytes, key.pem);
  if ("refused" in proven) {
    const { reason, sentence, hint } = proven.refused;
    return refuse(reason === "key" ? "key" : "signature", sentence, hint);
  }
  const read = readOrderText(Buffer.from(proven.payload).toString("utf8"));
  if (!read.ok) return refuse("malformed", read.sentence, "have the centre correct it, and sign it again");
  const { order } = read;
  return { ...misfitOf(order, gateway, clock.wallMs()), order };
}

async function readKey(path: string): Promise<{ readonly pem: Buffer } | { readonly refused: OrderRefusal }> {
  try {
    return { pem: await readSmallFile(path) };
  } catch (error) {
    const sentence = `the centre's public key ${path} cannot be read (${systemCode(error) || "unknown reason"})`;
    return refuse("key", sentence, "put it there, and let the user that runs sortgate read it; then: sortgate check");
  }
}

/** Why an order that the centre signed is none for this gateway or this day. */
function misfitOf(
  { site, gateway: id, notAfter }: Order,
  gateway: OrderSources["gateway"],
  nowMs: number,
): { readonly refused: OrderRefusal } | undefined {
  if (site !== gateway.site || id !== gateway.id) {
    const topic = "have the centre publish each order under the topic of the gateway that it names";
    return site === gateway.site
      ? refuse("gateway", `it is for another gateway; allowed: ${JSON.stringify(gateway.id)}`, topic)
      : refuse("site", `it is for another site; allowed: ${JSON.stringify(gateway.site)}`, topic);
  }
  if (notAfter === undefined || Date.parse(notAfter) > nowMs) return undefined;
  return refuse(
    "ended",
    `it ended on ${new Date(notAfter).toISOString()}`,
    "have the centre sign it anew; timedatectl shows whether the clock of this machine is right",
  );
}

/** Whether an order is none that was done already, or comes behind one that was. */
function compare({ order, sha256 }: Proven, done: DoneOrder | undefined): "new" | "same" | OrderRefusal {
  const { order: number } = order;
  if (done === undefined || number > done.order) return "new";
  if (number === done.order && sha256 === done.sha256) return "same";
  const again = `have the centre sign it again as order ${done.order + 1}`;
  return number < done.order
    ? {
        reason: "older",
        sentence: `it is order ${number}, and order ${done.order} was carried out already; allowed: ${done.order + 1} or higher`,
        hint: `if it is no old one that was sent again, ${again}`,
      }
    : {
        reason: "other-content",
        sentence: `it is order ${number}, which was carried out with other content or under another signature; allowed: ${done.order + 1} or higher`,
        hint: again,
      };
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
  { announce, durable, erase, tell }: OrderSources,
): Promise<OrderRefusal | undefined> {
  const { order, sha256, broker } = proven;
  const compared = compare(proven, await memory.read());
  if (compared !== "new") return compared === "same" ? undefined : compared;
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

const noRoom = (): SortgateError =>
  new SortgateError("ledger/full", "The ledger takes no event now", { hint: "sortgate status says why" });

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

function delayed({ order, broker }: Proven, error: unknown): Parameters<Tell>[0] {
  const { message, hint } =
    error instanceof SortgateError
      ? error
      : { message: `a fault of the program (${(error as Error | undefined)?.name})`, hint: "report it" };
  return {
    name: "order/delayed",
    level: "warn",
    message: `Order ${order.order} of the centre is not done yet, and is tried again in ${retryMs / 1_000} s: ${message}. Try: ${hint}`,
    fields: { broker, order: order.order },
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

/** What a look at the config has to say of the key that orders are proven by; with a signed policy `judgePolicy` says it. */
export async function judgeOrders({ brokers, guard }: Config): Promise<Judgement[]> {
  const { policy_key_file: path, policy_file: policy } = guard;
  if (path === undefined || policy !== undefined || !brokers.some(({ orders }) => orders)) return [];
  const read = await readKey(path);
  const found = "refused" in read ? read : centreKeyOf(read.pem);
  if (!("refused" in found)) return [];
  const { sentence, hint } = found.refused;
  return [{ level: "problem", path: ["guard", "policy_key_file"], sentence, hint }];
}
