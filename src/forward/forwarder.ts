import { type Backoff, createBackoff } from "../lib/backoff.ts";
import { type Clock, pause, type Timers } from "../lib/clock.ts";
import type { SortgateError } from "../model/error.ts";
import { limits } from "../model/limits.ts";
import type { Tell } from "../model/notice.ts";
import type { DurationMs, MonotonicMs } from "../model/units.ts";
import { type Contest, createContest } from "./contest.ts";
import { LinkSession } from "./link-session.ts";
import type { LinkOptions, Message, MqttLink } from "./mqtt-link.ts";
import type { Backlog } from "./port.ts";
import type { BrokerSettings } from "./settings.ts";
import { createSubscription, type Subscription, type SubscriptionState, type Taker } from "./subscription.ts";
import { createTopics, type Topics } from "./topic.ts";

/** The library is loaded with the first connection: the gateway takes reads before that. */
async function openMqttLink(options: LinkOptions): Promise<MqttLink> {
  return (await import("./mqtt-link.ts")).openMqttLink(options);
}

export interface ForwarderOptions {
  readonly settings: BrokerSettings;
  readonly site: string;
  readonly gateway: string;
  /** The chain that all events belong to. */
  readonly chain: string;
  readonly software: string;
  readonly backlog: Backlog;
  readonly clock: Clock;
  readonly tell: Tell;
  /** Draws the waits between connections. */
  readonly random?: () => number;
  readonly timers?: Timers;
  /** Connects once; MQTT over TCP or TLS, unless said otherwise. */
  readonly openLink?: (options: LinkOptions) => Promise<MqttLink>;
  /** Takes what comes under the topic of orders; absent: nothing is subscribed to. */
  readonly orders?: Taker | undefined;
  /** Refused events that are kept at hand; `limits.heldEventsMax` unless said otherwise. */
  readonly heldEventsMax?: number;
}

export interface ForwarderState {
  readonly state: "connecting" | "up" | "down";
  /** Since when, on the monotonic clock. */
  readonly since: MonotonicMs;
  /** Why it is down, or what is wrong although it is up, one sentence; empty if all is well. */
  readonly problem: string;
  /** What to do about it; empty if there is none. */
  readonly hint: string;
  readonly protocol?: 4 | 5;
  readonly inFlightCount: number;
  readonly acknowledgedCount: number;
  /** Whether orders come; absent if none are taken by this broker. */
  readonly orders?: SubscriptionState;
}

export interface Forwarder {
  state(): ForwarderState;
  /** Waits a little for what is in flight, says offline, disconnects. Never takes longer than `budgetMs`. */
  close(budgetMs: number): Promise<void>;
}

/**
 * Forwards the ledger to one broker, for ever.
 *
 * Loses:   nothing: an event is settled when the broker has acknowledged it, and handed out again by the next
 *          connection if it has not. One that the broker will never take is settled too, with its reason. Repeats after a broken connection are at most the window.
 */
/** Another one where the broker gets views: it may be the broker of the centre, under other topics and rights. */
function clientIdOf({ name, view }: BrokerSettings, site: string, gateway: string): string {
  const id = `sortgate-${site}-${gateway}`;
  return view === undefined ? id : `${id}.${name}`;
}

export function startForwarder(options: ForwarderOptions): Forwarder {
  const forwarder = new BrokerForwarder(options);
  return { state: () => forwarder.state(), close: (budgetMs) => forwarder.close(budgetMs) };
}

function subscriptionOf({ orders, ...rest }: ForwarderOptions, { order: topic }: Topics): Subscription | undefined {
  return orders === undefined ? undefined : createSubscription({ ...rest, topic, taker: orders });
}

class BrokerForwarder {
  readonly #options: ForwarderOptions;
  readonly #topics: Topics;
  readonly #backoff: Backoff;
  readonly #contest: Contest;
  readonly #stopping = new AbortController();
  readonly #done: Promise<void>;
  #state: ForwarderState["state"] = "connecting";
  #since: MonotonicMs;
  #problem = "not connected yet";
  #hint = "";
  #protocol: 4 | 5;
  #acknowledgedCount = 0;
  #isClosing = false;
  #session: LinkSession | undefined;
  readonly #subscription: Subscription | undefined;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#backoff = createBackoff(limits.backoff, options.random);
    this.#contest = createContest(options.settings);
    this.#topics = createTopics(options.settings.topic_prefix, options.site, options.gateway);
    this.#subscription = subscriptionOf(options, this.#topics);
    this.#protocol = options.settings.protocol;
    this.#since = options.clock.monotonicMs();
    this.#done = this.#run();
  }

  state(): ForwarderState {
    return {
      state: this.#state,
      since: this.#since,
      ...this.#trouble(),
      ...(this.#session === undefined ? {} : { protocol: this.#protocol }),
      inFlightCount: this.#session?.inFlightCount ?? 0,
      acknowledgedCount: this.#acknowledgedCount,
      ...(this.#subscription !== undefined && { orders: this.#subscription.state() }),
    };
  }

  async close(budgetMs: number): Promise<void> {
    this.#isClosing = true;
    await Promise.race([
      this.#session?.drain(this.#statusMessage(false)) ?? Promise.resolve(),
      pause(budgetMs, undefined, this.#options.timers),
    ]);
    this.#stopping.abort();
    this.#session?.end();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!this.#isClosing) {
      const reason = await this.#connectOnce();
      if (this.#isClosing) return;
      if (this.#fallBack(reason)) continue;
      this.#become("down", reason);
      await pause(this.#backoff.nextMs(), signal, this.#options.timers);
    }
  }

  /** One connection from first to last. Gives the reason why it ended. */
  async #connectOnce(): Promise<SortgateError> {
    const { settings, site, gateway, openLink = openMqttLink } = this.#options;
    let link: MqttLink;
    try {
      link = await openLink({
        settings,
        protocol: this.#protocol,
        clientId: clientIdOf(settings, site, gateway),
        will: this.#statusMessage(false),
        signal: this.#stopping.signal,
      });
    } catch (error) {
      return error as SortgateError;
    }
    this.#become("up");
    this.#session = new LinkSession({
      ...this.#options,
      link,
      topics: this.#topics,
      online: this.#statusMessage(true),
      acknowledged: (count) => {
        this.#acknowledgedCount += count;
      },
    });
    // Behind the status and the first events: it holds up none of them.
    this.#subscription?.begin(link);
    const reason = await link.ended;
    this.#subscription?.ended(reason);
    this.#session.close();
    this.#session = undefined;
    return this.#ended(reason, this.#upMs());
  }

  /** What is wrong, and what to do about it. */
  #trouble(): { problem: string; hint: string } {
    if (this.#state !== "up") return { problem: this.#problem, hint: this.#hint };
    const contested = this.#contest.problem(this.#upMs());
    if (contested !== "")
      return { problem: contested, hint: "make sure that no other gateway has the same site and id" };
    return { problem: this.#session?.problem ?? "", hint: this.#session?.hint ?? "" };
  }

  #upMs(): DurationMs {
    return this.#options.clock.monotonicMs() - this.#since;
  }

  /** Waits begin small again after a connection that held, unless another client and we only take turns. */
  #ended(reason: SortgateError, upMs: DurationMs): SortgateError {
    const wasOn = this.#contest.isOn();
    const told = this.#contest.ended(reason, upMs);
    if (!wasOn || !this.#contest.isOn()) this.#backoff.held(upMs);
    return told;
  }

  /** A broker that does not know MQTT 5 gets MQTT 3.1.1 from then on, at once. */
  #fallBack(reason: SortgateError): boolean {
    const isRefused = reason.context.reason === 1 || reason.context.reason === 132;
    if (!isRefused || this.#protocol === 4) return false;
    this.#protocol = 4;
    this.#options.tell({
      name: "broker/warning",
      level: "warn",
      message: `Broker "${this.#options.settings.name}" does not speak MQTT 5: using MQTT 3.1.1. Set protocol = 4 to save the question`,
      fields: { broker: this.#options.settings.name },
    });
    return true;
  }

  #become(state: "up" | "down", reason?: SortgateError): void {
    const { settings, clock, tell } = this.#options;
    const problem = reason?.message ?? "";
    const isNews = state !== this.#state || problem !== this.#problem;
    if (state !== this.#state) this.#since = clock.monotonicMs();
    this.#state = state;
    this.#problem = problem;
    this.#hint = reason?.hint ?? "";
    const fields = { broker: settings.name, protocol: this.#protocol };
    if (state === "up")
      tell({ name: "broker/up", level: "info", message: `Broker "${settings.name}" is connected`, fields });
    else
      tell({
        name: "broker/down",
        level: isNews ? "warn" : "debug",
        message: `${problem}. Try: ${reason?.hint}`,
        fields: { ...fields, code: reason?.code ?? "" },
      });
  }

  #statusMessage(online: boolean): Message {
    const { site, gateway, chain, software } = this.#options;
    const status = { chain, gateway, online, site, software };
    return { topic: this.#topics.status, bytes: Buffer.from(JSON.stringify(status)), isRetained: true };
  }
}
