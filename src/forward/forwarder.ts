import { type Backoff, createBackoff } from "../lib/backoff.ts";
import { type Clock, pause } from "../lib/clock.ts";
import { SortgateError } from "../model/error.ts";
import type { SealedEvent } from "../model/event.ts";
import { limits } from "../model/limits.ts";
import type { Tell } from "../model/notice.ts";
import type { DurationMs, MonotonicMs } from "../model/units.ts";
import { type Contest, createContest } from "./contest.ts";
import { type Message, type MqttLink, openMqttLink } from "./mqtt-link.ts";
import type { Backlog, BacklogConnection } from "./port.ts";
import type { BrokerSettings } from "./settings.ts";
import { createTopics, type Topics } from "./topic.ts";

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
}

export interface ForwarderState {
  readonly state: "connecting" | "up" | "down";
  /** Since when, on the monotonic clock. */
  readonly since: MonotonicMs;
  /** Why it is down, or what is wrong although it is up, one sentence; empty if all is well. */
  readonly problem: string;
  readonly protocol?: 4 | 5;
  readonly inFlightCount: number;
  readonly acknowledgedCount: number;
}

export interface Forwarder {
  state(): ForwarderState;
  /** Waits a little for what is in flight, says offline, disconnects. Never takes longer than `budgetMs`. */
  close(budgetMs: number): Promise<void>;
}

/** Room that topic, properties and header take in a packet beside the event. */
const packetOverheadBytes = 1_024;

/**
 * Forwards the ledger to one broker, for ever.
 *
 * Loses:   nothing: an event is settled when the broker has acknowledged it, and handed out again by the next
 *          connection if it has not. Repeats after a broken connection are at most the window.
 */
export function startForwarder(options: ForwarderOptions): Forwarder {
  const forwarder = new BrokerForwarder(options);
  return { state: () => forwarder.state(), close: (budgetMs) => forwarder.close(budgetMs) };
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
  #protocol: 4 | 5;
  #acknowledgedCount = 0;
  #isClosing = false;
  #session: LinkSession | undefined;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#backoff = createBackoff(limits.backoff, options.random);
    this.#contest = createContest(options.settings);
    this.#topics = createTopics(options.settings.topic_prefix, options.site, options.gateway);
    this.#protocol = options.settings.protocol;
    this.#since = options.clock.monotonicMs();
    this.#done = this.#run();
  }

  state(): ForwarderState {
    return {
      state: this.#state,
      since: this.#since,
      problem: this.#state === "up" ? this.#contest.problem(this.#upMs()) : this.#problem,
      ...(this.#session === undefined ? {} : { protocol: this.#protocol }),
      inFlightCount: this.#session?.inFlightCount ?? 0,
      acknowledgedCount: this.#acknowledgedCount,
    };
  }

  async close(budgetMs: number): Promise<void> {
    this.#isClosing = true;
    await Promise.race([this.#session?.drain(this.#statusMessage(false)) ?? Promise.resolve(), pause(budgetMs)]);
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
      await pause(this.#backoff.nextMs(), signal);
    }
  }

  /** One connection from first to last. Gives the reason why it ended. */
  async #connectOnce(): Promise<SortgateError> {
    const { settings, site, gateway } = this.#options;
    let link: MqttLink;
    try {
      link = await openMqttLink({
        settings,
        protocol: this.#protocol,
        clientId: `sortgate-${site}-${gateway}`,
        will: this.#statusMessage(false),
        signal: this.#stopping.signal,
      });
    } catch (error) {
      return error as SortgateError;
    }
    this.#become("up");
    link.publish(this.#statusMessage(true), () => {});
    this.#session = new LinkSession(link, this.#options, this.#topics, (count) => {
      this.#acknowledgedCount += count;
    });
    const reason = await link.ended;
    this.#session.close();
    this.#session = undefined;
    return this.#ended(reason, this.#upMs());
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

/** What happens on one link: the window, the acknowledgements, and the watch over their age. */
class LinkSession {
  readonly #link: MqttLink;
  readonly #options: ForwarderOptions;
  readonly #topics: Topics;
  readonly #acknowledged: (count: number) => void;
  readonly #connection: BacklogConnection;
  readonly #watch: NodeJS.Timeout;
  /** Sequence → when it was published; the oldest stands first. */
  readonly #inFlight = new Map<number, MonotonicMs>();
  #settled: number[] = [];
  #draining: (() => void) | undefined;
  #isOpen = true;

  constructor(link: MqttLink, options: ForwarderOptions, topics: Topics, acknowledged: (count: number) => void) {
    this.#link = link;
    this.#options = options;
    this.#topics = topics;
    this.#acknowledged = acknowledged;
    this.#connection = options.backlog.connect((events) => this.#send(events));
    // One place of the window is kept for the status message.
    this.#connection.want(Math.max(1, Math.min(options.settings.in_flight_max, link.inFlightMax - 1)));
    this.#watch = setInterval(() => this.#checkAge(), 1_000);
  }

  get inFlightCount(): number {
    return this.#inFlight.size;
  }

  /** Takes no more events, waits for what is in flight, says offline, and leaves. Resolves when that is done. */
  async drain(offline: Message): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#draining = resolve;
      this.#checkDrained();
    });
    await new Promise<void>((resolve) => this.#link.publish(offline, () => resolve()));
    await this.#link.leave();
  }

  end(): void {
    this.#link.end(new SortgateError("broker/unreachable", "The gateway is stopping", { hint: "start it again" }));
  }

  close(): void {
    this.#isOpen = false;
    clearInterval(this.#watch);
    this.#flush();
    this.#connection.close();
    this.#draining?.();
  }

  #send(events: readonly SealedEvent[]): void {
    const { gateway, chain, clock } = this.#options;
    if (!this.#isOpen || this.#draining !== undefined) return;
    const now = clock.monotonicMs();
    for (const { sequence, kind, subject, bytes } of events) {
      this.#inFlight.set(sequence, now);
      if (bytes.length + packetOverheadBytes > this.#link.packetBytesMax) {
        this.#skip(sequence, bytes.length);
        continue;
      }
      this.#link.publish(
        {
          topic: this.#topics.of(kind, subject),
          bytes,
          contentType: "application/cloudevents+json",
          userProperties: { id: `${gateway}/${chain}/${sequence}`, sequence: String(sequence) },
        },
        (error) => this.#published(sequence, error),
      );
    }
  }

  /** An event that this broker can never take must not hold up the others; it stays in the ledger and is told. */
  #skip(sequence: number, byteCount: number): void {
    const { settings, tell } = this.#options;
    tell({
      name: "broker/warning",
      level: "error",
      message: `Broker "${settings.name}" takes packets of at most ${this.#link.packetBytesMax} bytes: event ${sequence} was not sent. Raise the broker's maximum packet size`,
      fields: { broker: settings.name, sequence, bytes: byteCount },
    });
    this.#settle(sequence);
  }

  #published(sequence: number, error: Error | null | undefined): void {
    if (!this.#isOpen || !this.#inFlight.has(sequence)) return;
    if (error === null || error === undefined) {
      this.#settle(sequence);
      return;
    }
    const { name } = this.#options.settings;
    this.#link.end(
      new SortgateError("broker/refused", `Broker "${name}" does not take our events`, {
        cause: error,
        hint: "check the broker's access rules for our topics, and its log",
      }),
    );
  }

  #settle(sequence: number): void {
    this.#inFlight.delete(sequence);
    if (this.#settled.push(sequence) === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    const settled = this.#settled;
    if (settled.length === 0) return;
    this.#settled = [];
    this.#connection.settle(settled);
    this.#acknowledged(settled.length);
    if (this.#isOpen && this.#draining === undefined) this.#connection.want(settled.length);
    this.#checkDrained();
  }

  #checkDrained(): void {
    if (this.#inFlight.size === 0 && this.#settled.length === 0) this.#draining?.();
  }

  /** "Connected" is judged by acknowledged data: a peer that is silent for long is dead, whatever the socket says. */
  #checkAge(): void {
    const [oldest] = this.#inFlight.values();
    if (oldest === undefined || this.#options.clock.monotonicMs() - oldest < limits.ackAgeMaxMs) return;
    const { name } = this.#options.settings;
    this.#link.end(
      new SortgateError("broker/unreachable", `Broker "${name}" is connected but acknowledges nothing`, {
        hint: "look at the broker's log and load; the connection is made anew",
      }),
    );
  }
}
