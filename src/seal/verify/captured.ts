import { fromBase64url } from "../../lib/base64url.ts";
import type { Json } from "../../model/event.ts";
import { canonicalize, type ParseRefusal, parseStrict } from "../canonical.ts";
import { type EventSignature, isObject, readEventSignature } from "../jws.ts";
import { type CapturedPlace, placeIn } from "./place.ts";
import { readErased, readView, type StandIn } from "./stand-in.ts";
import type { MalformedReason } from "./verdict.ts";

/** An event as it was found in a line, taken apart; nothing of it is proven. */
export interface CapturedEvent extends CapturedPlace {
  readonly type: string;
  /** NaN if it says no time. */
  readonly at: number;
  readonly previous: Buffer;
  readonly data: Json;
  readonly signature: EventSignature;
  /** The members without `signature`, from which a payload for another sequence can be made. */
  readonly members: { readonly [member: string]: Json };
  /** What was signed. */
  readonly payload: string;
  /** What was published. */
  readonly canonical: string;
  readonly isCanonical: boolean;
}

export type Captured =
  | { readonly kind: "event"; readonly event: CapturedEvent }
  | { readonly kind: "stand-in"; readonly standIn: StandIn }
  | { readonly kind: "blank" }
  | { readonly kind: "status" }
  | { readonly kind: "malformed"; readonly reason: MalformedReason };

const byteOrderMark = "\uFEFF";
/** An order of the centre, which reaches every subscriber of `…/#` who may read it; an event that was made to look like one is missing. */
const order = /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/;
/**
 * The topic of orders, where no event comes, by the place of its levels: `prefix/site/gateway/order`. A read point may be
 * called `order` too, and a gateway `read`; only where both could be, with a prefix of several levels, it is a read point's.
 */
const orderTopic = /^(?:[^/]*\/){3}order$|(?<!\/read)\/order$/;
/** …and whatever stands under it, as `mosquitto_sub -v` writes it: of an order that was cleared `(null)`. */
const underTopic = /^([^\s{]+)(?:\s|$)/;

/**
 * One line of a capture: an event alone, behind its topic (`mosquitto_sub -v`), or in an envelope with `topic` and
 * `payload` (`mosquitto_sub -F %j` and `%J`).
 *
 * Fails: never, whatever the line is.
 */
export function readLine(line: string): Captured {
  const given = stripMark(line);
  if (orderTopic.test(underTopic.exec(given)?.[1] ?? "")) return { kind: "status" };
  const text = stripTopic(given);
  if (text === "") return { kind: "blank" };
  if (order.test(text)) return { kind: "status" };
  const parsed = parseStrict(text);
  if ("refused" in parsed) return refusal(parsed.refused);
  const { value } = parsed;
  if (!isObject(value)) return { kind: "malformed", reason: "not-an-event" };
  if (!("specversion" in value) && "topic" in value && "payload" in value) return readEnvelope(value);
  return readObject(value, text);
}

/**
 * Reads a capture line by line. An order's message may have several lines, which are passed over as the order is: of
 * those behind its topic all that begin as no event does, so that none is hidden, altered or not.
 */
export function createLineReader(): (line: string) => Captured {
  // First level of the topic of the order that may go on, with its slash.
  let orderRoot: string | undefined;
  return (line) => {
    const captured = readLine(line);
    if (captured.kind === "blank") return captured;
    const text = stripMark(line);
    const topic = underTopic.exec(text)?.[1] ?? "";
    if (orderTopic.test(topic)) orderRoot = topic.slice(0, topic.indexOf("/") + 1);
    else if (captured.kind === "malformed" && orderRoot !== undefined && !beginsAsEvent(text, orderRoot))
      return { kind: "status" };
    else orderRoot = undefined;
    return captured;
  };
}

/** Whether a line could be an event: alone, below `root`, or behind another topic. */
function beginsAsEvent(text: string, root: string): boolean {
  return text.startsWith("{") || text.startsWith(root) || /^\S*\/\S*\s+\{/.test(text);
}

function readEnvelope({ topic, payload }: { readonly [member: string]: Json }): Captured {
  if (typeof topic === "string" && orderTopic.test(topic)) return { kind: "status" };
  if (typeof payload === "string" && order.test(payload.trim())) return { kind: "status" };
  if (typeof payload !== "string") return isObject(payload) ? readObject(payload, "") : refusal("json");
  const parsed = parseStrict(payload);
  if ("refused" in parsed) return refusal(parsed.refused);
  return isObject(parsed.value) ? readObject(parsed.value, payload) : { kind: "malformed", reason: "not-an-event" };
}

function readObject(value: { readonly [member: string]: Json }, text: string): Captured {
  // The retained status message reaches every subscriber of `…/#`; an event that was made to look like one is missing.
  if (typeof value.online === "boolean" && !("signature" in value)) return { kind: "status" };
  const standIn = readErased(value) ?? readView(value);
  if (standIn !== undefined)
    return typeof standIn === "string" ? { kind: "malformed", reason: standIn } : { kind: "stand-in", standIn };
  const { signature, ...members } = value;
  const { sequence, previous, type, time, data } = members;
  const place = placeIn(members);
  const before = typeof previous === "string" ? fromBase64url(previous) : undefined;
  if (place === "not-an-event" || before?.length !== 32 || typeof type !== "string" || data === undefined)
    return { kind: "malformed", reason: "not-an-event" };
  if (place === "contradiction" || String(place.sequence) !== sequence)
    return { kind: "malformed", reason: "contradiction" };
  const canonical = canonicalize(value);
  const event: CapturedEvent = {
    ...place,
    type,
    at: typeof time === "string" ? Date.parse(time) : Number.NaN,
    previous: before,
    data,
    signature: typeof signature === "string" ? readEventSignature(signature) : { kind: "malformed" },
    members,
    payload: canonicalize(members),
    canonical,
    isCanonical: canonical === text,
  };
  return { kind: "event", event };
}

/** The same event as if it stood at another sequence, to find out whether it was signed there. */
export function payloadAt(event: CapturedEvent, sequence: number): string {
  return canonicalize({
    ...event.members,
    id: `${event.gateway}/${event.chain}/${sequence}`,
    sequence: String(sequence),
  });
}

function stripMark(line: string): string {
  return (line.startsWith(byteOrderMark) ? line.slice(1) : line).trim();
}

function stripTopic(text: string): string {
  if (text === "" || text.startsWith("{")) return text;
  // A topic holds no brace here, so the first one behind a space begins the event.
  const start = text.indexOf(" {");
  return start === -1 || text.slice(0, start).includes("{") ? text : text.slice(start + 1);
}

function refusal(reason: ParseRefusal): Captured {
  return { kind: "malformed", reason };
}
