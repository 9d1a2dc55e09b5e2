import { type Cancel, type Clock, systemTimers, type Timers } from "../lib/clock.ts";
import { SortgateError } from "../model/error.ts";
import { limits } from "../model/limits.ts";
import type { Tell } from "../model/notice.ts";
import type { MonotonicMs } from "../model/units.ts";
import type { MqttLink } from "./mqtt-link.ts";
import type { BrokerSettings } from "./settings.ts";

/** How a subscription does. */
export interface SubscriptionState {
  /** The broker has granted it, on this connection. */
  readonly isHeld: boolean;
  /** Why nothing comes by it, one sentence; empty if nothing is known to be wrong. */
  readonly problem: string;
  /** What to do about it; empty if there is none. */
  readonly hint: string;
}

/** Has a broker hand us what comes under one topic, on each connection. */
export interface Subscription {
  /** A new connection: asks, unless that broke connections before; then later. */
  begin(link: MqttLink): void;
  /** That connection ended. */
  ended(reason: SortgateError): void;
  state(): SubscriptionState;
}

/** Who takes what comes under a topic. */
export interface Taker {
  /** False: there is no room; the connection ends, and the next ones do without for `limits.subscribePauseMs`. */
  take(bytes: Uint8Array): boolean;
  /** Some of what came was not taken in, and does not come again unless it is retained. */
  missed(): void;
}

export interface SubscriptionOptions {
  readonly settings: BrokerSettings;
  readonly topic: string;
  readonly clock: Clock;
  readonly tell: Tell;
  readonly taker: Taker;
  readonly timers?: Pick<Timers, "after"> | undefined;
}

/** Connections that ended while a subscription had no answer: more in a row are no accident. Some brokers refuse so. */
const unansweredMax = 2;

/** Failure (MQTT 3.1.1 §3.9.3), unspecified and not authorized (MQTT 5 §3.9.3). */
const forbidden: ReadonlySet<number> = new Set([128, 135]);

const noRoom = ({ name, url }: BrokerSettings, topic: string): SortgateError =>
  new SortgateError("broker/refused", `Broker "${name}" at ${url} sends more under ${topic} than may wait`, {
    hint: "let nobody but the centre publish there; the connection is made anew",
    context: { flood: true },
  });

/**
 * Asks for a topic without ever holding up delivery.
 *
 * Refused: told, and asked again after `limits.subscribePauseMs`; so is one that has no answer after `limits.ackAgeMaxMs`.
 * Broken:  a connection that ends while we are not answered, twice in a row, or because of what came under the topic: the
 *          next ones do without, for `limits.subscribePauseMs`.
 */
export function createSubscription(options: SubscriptionOptions): Subscription {
  const { settings, topic, clock, tell, taker, timers = systemTimers } = options;
  let asked: "not" | "unanswered" | "answered" = "not";
  let unansweredCount = 0;
  let quietUntil: MonotonicMs = Number.NEGATIVE_INFINITY;
  let waiting: Cancel = () => {};

  let last = { message: "", at: Number.NEGATIVE_INFINITY as MonotonicMs };

  let state: SubscriptionState = { isHeld: false, problem: "", hint: "" };

  const told = (sentence: string, hint: string): void => {
    state = { isHeld: false, problem: `no orders come by it: ${sentence}`, hint };
    const message = `No orders come by broker "${settings.name}": ${sentence}. Events go on. Try: ${hint}`;
    const now = clock.monotonicMs();
    // A broker to which we come anew each second says the same each time.
    if (message === last.message && now - last.at < limits.subscribePauseMs) return;
    last = { message, at: now };
    tell({ name: "broker/refused", level: "error", message, fields: { broker: settings.name, kind: "order" } });
  };
  const quiet = (sentence: string, hint: string): void => {
    unansweredCount = 0;
    quietUntil = clock.monotonicMs() + limits.subscribePauseMs;
    told(sentence, hint);
  };
  const ask = (link: MqttLink): void => {
    asked = "unanswered";
    // Whatever else it answers meanwhile: the watch over acknowledgements sees publishes alone.
    waiting = timers.after(limits.ackAgeMaxMs, () => {
      told(`it does not answer the subscription to ${topic}`, "look at the broker's own log, and restart the broker");
      later(link, limits.subscribePauseMs);
    });
    const take = (bytes: Uint8Array): void => {
      if (!taker.take(bytes)) link.end(noRoom(settings, topic));
    };
    link.subscribe(topic, take, (refusedFor) => {
      waiting();
      asked = "answered";
      unansweredCount = 0;
      if (refusedFor === undefined) {
        state = { isHeld: true, problem: "", hint: "" };
        return;
      }
      const hint = forbidden.has(refusedFor)
        ? `let the user of this gateway subscribe to ${topic} in the broker's access rules (ACL)`
        : "look at the broker's own log";
      told(`it refuses the subscription to ${topic} (reason ${refusedFor})`, hint);
      later(link, limits.subscribePauseMs);
    });
  };
  const later = (link: MqttLink, waitMs: number): void => {
    waiting = timers.after(waitMs, () => ask(link));
  };

  return {
    begin(link) {
      asked = "not";
      const waitMs = quietUntil - clock.monotonicMs();
      if (waitMs > 0) later(link, waitMs);
      else ask(link);
    },
    ended(reason) {
      waiting();
      state = { ...state, isHeld: false };
      if (asked === "not") return;
      if (reason.context.qos === 2)
        return quiet(
          `it sends with QoS 2 what was asked for with QoS 1`,
          "update the broker, or have the centre publish with QoS 1",
        );
      if (reason.context.flood === true) {
        taker.missed();
        return quiet(
          `more came under ${topic} than may`,
          "let nobody but the centre publish there; an order has 64 KiB at most",
        );
      }
      unansweredCount = asked === "unanswered" ? unansweredCount + 1 : 0;
      if (unansweredCount >= unansweredMax)
        quiet(
          `it ends the connection when we subscribe to ${topic}`,
          `let the user of this gateway subscribe to ${topic} in the broker's access rules (ACL)`,
        );
    },
    state: () => state,
  };
}
