import type { Config, Judgement } from "../config/index.ts";
import { centreKeyOf, provenByCentre } from "../guard/policy/index.ts";
import type { DoneOrder } from "../identity/index.ts";
import type { Clock } from "../lib/clock.ts";
import { fingerprintOf } from "../lib/fingerprint.ts";
import { readSmallFile } from "../lib/small-file.ts";
import { SortgateError, systemCode } from "../model/error.ts";
import { limits } from "../model/limits.ts";
import { type Order, readOrderText } from "./order.ts";
import type { OrderRefusal } from "./refusals.ts";

/** What a broker sent, without the white space around it; nothing of it is proven. */
export interface Incoming {
  readonly broker: string;
  readonly bytes: Buffer;
  readonly sha256: string;
  /** Before it came some that nobody judged: the centre's may be among them. */
  readonly isAfterGap: boolean;
}

/** An order that the centre signed for this gateway. */
export interface Proven extends Incoming {
  readonly order: Order;
}

/** What an order is judged by. */
export interface JudgeSources {
  readonly gateway: { readonly site: string; readonly id: string };
  /** The centre's public key (PEM); read anew for each order. */
  readonly keyFile: string;
  readonly clock: Clock;
}

export const tooLarge = (byteCount: number): OrderRefusal => ({
  reason: "too-large",
  sentence: `it has ${byteCount} bytes; allowed: ${limits.orderBytesMax}`,
  hint: "have the centre make two of it",
});

export const tooMany: OrderRefusal = {
  reason: "too-many",
  sentence: `more than ${limits.ordersWaitingMax} orders wait for the one that is being carried out`,
  hint: "have the centre wait for the audit event of an order (order-done) before it sends the next",
};

/** It is not judged, so nobody knows whether it is the centre's. */
export const unjudged: OrderRefusal = {
  reason: "too-many",
  sentence: "more wait to be judged than there is room for",
  hint: "let nobody but the centre publish under the topic of orders; sortgate status says whether they wait for the centre's key",
};

/** None overtakes one that may have been lost among what was not judged. */
export const afterGap = (next: number): OrderRefusal => ({
  reason: "too-many",
  sentence: `orders that were not judged came before it, and order ${next}, which may be one of them, did not come yet`,
  hint: `${sendAgain(next)}; if it signed no order ${next}, restart the gateway once nobody else publishes under the topic of orders`,
});

const sendAgain = (number: number): string =>
  `have the centre send order ${number} again, or another one with that number, and then the next ones in turn`;

/** None overtakes one that was refused for want of room: that one could never be carried out then. */
export const behind = (missed: number): OrderRefusal => ({
  reason: "too-many",
  sentence: `it comes behind order ${missed}, for which there was no room`,
  hint: sendAgain(missed),
});

/** Why it is not carried out; with the order if the centre signed it. */
export interface Refused {
  readonly refused: OrderRefusal;
  readonly order?: Order;
}

type Judged = { readonly order: Order } | Refused;

const refuse = (
  reason: OrderRefusal["reason"],
  sentence: string,
  hint: string,
): { readonly refused: OrderRefusal } => ({
  refused: { reason, sentence, hint },
});

/**
 * Whether the centre signed it for this gateway and this day.
 *
 * Fails:   config/unreadable while the centre's key is not there, or is none: nobody can tell then, and it is asked again.
 */
export async function judge({ bytes }: Incoming, { keyFile, gateway, clock }: JudgeSources): Promise<Judged> {
  const key = await readKey(keyFile);
  if ("fault" in key) throw keyless(key.fault);
  const proven = await provenByCentre("order", bytes, key.pem);
  if ("refused" in proven) {
    const { reason, sentence, hint } = proven.refused;
    if (reason === "key") throw keyless(useless(keyFile, proven.refused));
    return refuse("signature", sentence, hint);
  }
  const read = readOrderText(Buffer.from(proven.payload).toString("utf8"));
  if (!read.ok) return refuse("malformed", read.sentence, "have the centre correct it, and sign it again");
  const { order } = read;
  return { ...misfitOf(order, gateway, clock.wallMs()), order };
}

/** Why nothing can be proven now: the key is not there, or is none. Undefined: all is well. */
export async function keyFault(path: string): Promise<KeyFault | undefined> {
  const read = await readKey(path);
  if ("fault" in read) return read.fault;
  const found = centreKeyOf(read.pem);
  return "refused" in found ? useless(path, found.refused) : undefined;
}

export type KeyFault = Pick<OrderRefusal, "sentence" | "hint">;

const useless = (path: string, { sentence, hint }: KeyFault): KeyFault => ({
  sentence: `the centre's public key ${path} is of no use: ${sentence}`,
  hint,
});

const keyless = ({ sentence, hint }: KeyFault): SortgateError =>
  new SortgateError("config/unreadable", sentence, { hint });

async function readKey(path: string): Promise<{ readonly pem: Buffer } | { readonly fault: KeyFault }> {
  try {
    return { pem: await readSmallFile(path) };
  } catch (error) {
    const sentence = `the centre's public key ${path} cannot be read (${systemCode(error) || "unknown reason"})`;
    return { fault: { sentence, hint: "put it there, and let the user that runs sortgate read it" } };
  }
}

/** Why an order that the centre signed is none for this gateway or this day. */
function misfitOf(
  { site, gateway: id, notAfter }: Order,
  gateway: JudgeSources["gateway"],
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
export function compare({ order, sha256 }: Proven, done: DoneOrder | undefined): "new" | "same" | OrderRefusal {
  const { order: number } = order;
  if (done === undefined || number > done.order) return "new";
  if (number === done.order && sha256 === done.sha256) return "same";
  if (done.order >= limits.orderNumberMax)
    return {
      reason: number < done.order ? "older" : "other-content",
      sentence: `it is order ${number}, and order ${done.order} was carried out already, above which there is none`,
      hint: "have the centre clear its orders, stop the gateway, move identity/order.json in data_dir aside, and start it; docs/privacy.md says what that means",
    };
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

/** Fingerprint of the key that orders are proven by; undefined if none are taken, or there is no such key. */
export async function orderKeyOf({ brokers, guard }: Config): Promise<string | undefined> {
  const { policy_key_file: path } = guard;
  if (path === undefined || !brokers.some(({ orders }) => orders)) return undefined;
  const read = await readKey(path);
  if ("fault" in read) return undefined;
  const found = centreKeyOf(read.pem);
  return "refused" in found ? undefined : fingerprintOf(found.key);
}

/** What a look at the config has to say of the key that orders are proven by; with a signed policy `judgePolicy` says it. */
export async function judgeOrders({ brokers, guard }: Config): Promise<Judgement[]> {
  const { policy_key_file: path, policy_file: policy } = guard;
  if (path === undefined || policy !== undefined || !brokers.some(({ orders }) => orders)) return [];
  const read = await readKey(path);
  const found = "fault" in read ? { refused: read.fault } : centreKeyOf(read.pem);
  if (!("refused" in found)) return [];
  const { sentence, hint } = found.refused;
  return [{ level: "problem", path: ["guard", "policy_key_file"], sentence, hint }];
}
