import { type Cancel, type Clock, systemTimers, type Timers } from "../lib/clock.ts";
import { SortgateError } from "../model/error.ts";
import type { SealedEvent } from "../model/event.ts";
import { limits } from "../model/limits.ts";
import type { Tell } from "../model/notice.ts";
import type { MonotonicMs } from "../model/units.ts";
import { createHeld, type Held } from "./held.ts";
import type { Message, MqttLink } from "./mqtt-link.ts";
import type { Backlog, BacklogConnection, Refusal } from "./port.ts";
import { explainRefusal, type RefusalMeaning, reasonText } from "./refusal.ts";
import type { BrokerSettings } from "./settings.ts";
import type { Topics } from "./topic.ts";

export interface LinkSessionOptions {
  readonly link: MqttLink;
  readonly settings: BrokerSettings;
  readonly gateway: string;
  readonly chain: string;
  readonly backlog: Backlog;
  readonly topics: Topics;
  /** What is published first: that we are there. */
  readonly online: Message;
  readonly clock: Clock;
  readonly tell: Tell;
  readonly acknowledged: (count: number) => void;
  readonly random?: (() => number) | undefined;
  readonly timers?: Timers | undefined;
  readonly heldEventsMax?: number | undefined;
}

/** Room that topic, properties and header take in a packet beside the event. */
const packetOverheadBytes = 1_024;
/** Refusals of one kind for one reason are told this often. */
const tellMs = 60_000;
/** Packet too large (MQTT 5 §3.4.2.1). */
const tooLarge = 149;

/**
 * What happens on one link: the window, the acknowledgements and the watch over their age, and what is refused.
 *
 * Invariants
 * 1. In flight are at most the window, and one event more that is tried again: it takes the place that the status had.
 * 2. An event that the broker refuses for now stays unsettled and holds up no other one.
 * 3. An event that it refuses for good is settled, with its reason.
 * 4. A crash repeats the window at most: what was tried again with success is durable before the next is tried.
 */
export class LinkSession {
  readonly #options: LinkSessionOptions;
  readonly #window: number;
  /** The broker takes one publish at once: events go after the status, and none is tried again beside the others. */
  readonly #isNarrow: boolean;
  readonly #timers: Timers;
  readonly #watch: Cancel;
  readonly #held: Held;
  /** Sequence → when it was published; the oldest stands first. */
  readonly #inFlight = new Map<number, MonotonicMs>();
  /** When each kind of refusal was told last. */
  readonly #toldAt = new Map<string, MonotonicMs>();
  #connection: BacklogConnection;
  #settled: number[] = [];
  #refused: Refusal[] = [];
  /** Places of the window that came free and were not asked for yet. */
  #freeCount = 0;
  /** What comes again after a rewind although it is in flight or held. */
  #known = new Set<number>();
  /** Refused events found no room and wait in the ledger alone. */
  #isLeftBehind = false;
  #rewindTimer: Cancel | undefined;
  #rewoundAt: MonotonicMs = Number.NEGATIVE_INFINITY;
  #lastRefusal = "";
  #lastHint = "";
  #isOnlineTold = false;
  readonly #openedAt: MonotonicMs;
  #draining: (() => void) | undefined;
  #isOpen = true;

  constructor(options: LinkSessionOptions) {
    const { link, settings, online, backlog, random, timers = systemTimers, heldEventsMax: eventsMax } = options;
    this.#options = options;
    this.#timers = timers;
    this.#openedAt = options.clock.monotonicMs();
    this.#isNarrow = link.inFlightMax < 2;
    // One place of the window is kept for the status message.
    this.#window = Math.max(1, Math.min(settings.in_flight_max, link.inFlightMax - 1));
    this.#held = createHeld((event) => this.#retry(event), { random, timers, eventsMax });
    link.publish(online, (code) => {
      this.#isOnlineTold = true;
      if (this.#isNarrow && this.#isOpen && this.#draining === undefined) this.#connection.want(this.#window);
      this.#checkDrained();
      if (code !== undefined) this.#tellRefusal("status", online.topic, code, explainRefusal(code));
    });
    this.#connection = backlog.connect((events) => this.#send(events));
    if (!this.#isNarrow) this.#connection.want(this.#window);
    this.#watch = timers.every(1_000, () => this.#checkAge());
  }

  get inFlightCount(): number {
    return this.#inFlight.size;
  }

  /** What is wrong although the link is up; empty if nothing is. */
  get problem(): string {
    const count = this.#held.count();
    if (count === 0 && !this.#isLeftBehind) return "";
    return `${this.#lastRefusal}; ${this.#isLeftBehind ? `more than ${count}` : count} wait and are tried again`;
  }

  /** What to do about that. */
  get hint(): string {
    return this.problem === "" ? "" : this.#lastHint;
  }

  /** Takes no more events, waits for what is in flight, says offline, and leaves. Resolves when that is done. */
  async drain(offline: Message): Promise<void> {
    const { link } = this.#options;
    this.#held.close();
    await new Promise<void>((resolve) => {
      this.#draining = resolve;
      this.#checkDrained();
    });
    await new Promise<void>((resolve) => link.publish(offline, () => resolve()));
    await link.leave();
  }

  end(): void {
    const { link } = this.#options;
    link.end(new SortgateError("broker/unreachable", "The gateway is stopping", { hint: "start it again" }));
  }

  close(): void {
    this.#isOpen = false;
    this.#watch();
    this.#rewindTimer?.();
    this.#held.close();
    this.#flush();
    this.#connection.close();
    this.#draining?.();
  }

  #send(events: readonly SealedEvent[]): void {
    if (!this.#isOpen || this.#draining !== undefined) return;
    const { link } = this.#options;
    for (const event of events) {
      if (this.#known.delete(event.sequence)) this.#connection.want(1);
      else if (event.bytes.length + packetOverheadBytes > link.packetBytesMax) {
        this.#freeCount += 1;
        this.#setAside(event, tooLarge, explainRefusal(tooLarge));
      } else this.#publish(event);
    }
  }

  #publish(event: SealedEvent): void {
    const { gateway, chain, clock, link, topics } = this.#options;
    const { sequence, kind, subject, bytes } = event;
    const place = event.origin ?? { chain, sequence };
    this.#inFlight.set(sequence, clock.monotonicMs());
    link.publish(
      {
        topic: topics.of(kind, subject),
        bytes,
        contentType: "application/cloudevents+json",
        userProperties: { id: `${gateway}/${place.chain}/${place.sequence}`, sequence: String(place.sequence) },
      },
      (code) => this.#published(event, code),
    );
  }

  #published(event: SealedEvent, code: number | undefined): void {
    const { sequence, kind, subject } = event;
    if (!this.#isOpen || !this.#inFlight.delete(sequence)) return;
    const isRetry = this.#held.trying() === event;
    if (!isRetry) this.#freeCount += 1;
    if (code === undefined) this.#settle(sequence);
    else {
      const meaning = explainRefusal(code);
      if (meaning.isPermanent) this.#setAside(event, code, meaning);
      else {
        if (!isRetry && (this.#isNarrow || !this.#held.hold(event))) this.#isLeftBehind = true;
        if (this.#isNarrow) this.#rewindLater();
        if (isRetry) this.#held.tried("refused");
        this.#tellRefusal(kind, this.#options.topics.of(kind, subject), code, meaning);
        this.#askForMore();
        this.#checkDrained();
        return;
      }
    }
    if (isRetry) this.#resolved();
  }

  /** The next one is tried once this one is written down, or a crash would repeat more than a window. */
  #resolved(): void {
    this.#flush();
    const next = (): void => {
      this.#held.tried("resolved");
      this.#rewindLater();
    };
    // A full ledger may refuse, and goes on; one that has ended takes the gateway with it, and nothing is tried again.
    this.#connection.written().then(next, (error: unknown) => {
      if (error instanceof SortgateError && error.code === "ledger/full") next();
    });
  }

  /** Sends an event that was refused before, if the place that the status had is free again. */
  #retry(event: SealedEvent): boolean {
    if (!this.#isOnlineTold || !this.#isOpen || this.#draining !== undefined) return false;
    this.#publish(event);
    return true;
  }

  /** An event that this broker can never take must not hold up the others; it stays in the ledger, and in a list. */
  #setAside(event: SealedEvent, code: number, meaning: RefusalMeaning): void {
    const { sequence, kind, subject } = event;
    this.#refused.push({ sequence, reason: reasonText(code, meaning) });
    this.#tellRefusal(kind, this.#options.topics.of(kind, subject), code, meaning, sequence);
    this.#settle(sequence);
  }

  #tellRefusal(kind: string, topic: string, code: number, meaning: RefusalMeaning, sequence?: number): void {
    const { settings, clock, tell } = this.#options;
    const { sentence, hint, isPermanent } = meaning;
    const what = kind === "status" ? "our status" : `our ${kind} events`;
    const told = `Broker "${settings.name}" does not take ${what}: ${sentence} (${topic})`;
    if (!isPermanent && kind !== "status") {
      this.#lastRefusal = told;
      this.#lastHint = hint;
    }
    const now = clock.monotonicMs();
    const key = `${kind} ${code}`;
    if (now - (this.#toldAt.get(key) ?? Number.NEGATIVE_INFINITY) < tellMs) return;
    this.#toldAt.set(key, now);
    const then = isPermanent ? "; such events are set aside, sortgate queue stats lists them" : "";
    tell({
      name: "broker/refused",
      level: isPermanent ? "error" : "warn",
      message: `${told}${then}. Try: ${hint}`,
      fields: { broker: settings.name, kind, reason: code, ...(sequence === undefined ? {} : { sequence }) },
    });
  }

  #settle(sequence: number): void {
    if (this.#settled.push(sequence) === 1) this.#timers.soon(() => this.#flush());
  }

  #flush(): void {
    const settled = this.#settled;
    if (settled.length === 0) return;
    const refused = this.#refused;
    this.#settled = [];
    this.#refused = [];
    this.#connection.settle(settled, refused);
    this.#forget(settled);
    this.#options.acknowledged(settled.length - refused.length);
    this.#askForMore();
    this.#checkDrained();
  }

  /**
   * What was settled does not come again by a rewind once the ledger knows it; if it was handed out before, that comes
   * ahead of the answer. Should it come later, somebody has it sent again.
   */
  #forget(settled: readonly number[]): void {
    const known = this.#known;
    const gone = settled.filter((sequence) => known.has(sequence));
    const forget = (): void => {
      for (const sequence of gone) known.delete(sequence);
    };
    if (gone.length > 0) this.#connection.written().then(forget, () => {});
  }

  #askForMore(): void {
    const count = this.#freeCount;
    if (count === 0 || !this.#isOpen || this.#draining !== undefined) return;
    this.#freeCount = 0;
    this.#connection.want(count);
  }

  /** The broker takes again what it refused: what was left behind in the ledger is asked for, though not at once again. */
  #rewindLater(): void {
    if (!this.#isLeftBehind || this.#rewindTimer !== undefined) return;
    const sinceMs = this.#options.clock.monotonicMs() - this.#rewoundAt;
    const waitMs = Math.max(0, limits.rewindPauseMs - sinceMs);
    this.#rewindTimer = this.#timers.after(waitMs, () => this.#rewind());
  }

  #rewind(): void {
    this.#rewindTimer = undefined;
    if (!this.#isOpen || this.#draining !== undefined) return;
    this.#flush();
    this.#rewoundAt = this.#options.clock.monotonicMs();
    this.#isLeftBehind = false;
    const trying = this.#held.trying();
    this.#known = new Set([...this.#inFlight.keys(), ...this.#held.sequences()]);
    this.#freeCount = 0;
    this.#connection.close();
    this.#connection = this.#options.backlog.connect((events) => this.#send(events));
    const isUnderWay = trying !== undefined && this.#inFlight.has(trying.sequence);
    this.#connection.want(this.#window - this.#inFlight.size + (isUnderWay ? 1 : 0));
  }

  #checkDrained(): void {
    if (this.#inFlight.size > 0 || this.#settled.length > 0 || (this.#isNarrow && !this.#isOnlineTold)) return;
    this.#draining?.();
  }

  /** "Connected" is judged by acknowledged data: a peer that is silent for long is dead, whatever the socket says. */
  #checkAge(): void {
    const [event = Number.POSITIVE_INFINITY] = this.#inFlight.values();
    const oldest = this.#isOnlineTold ? event : Math.min(this.#openedAt, event);
    const { clock, settings, link } = this.#options;
    if (clock.monotonicMs() - oldest < limits.ackAgeMaxMs) return;
    link.end(
      new SortgateError("broker/unreachable", `Broker "${settings.name}" is connected but acknowledges nothing`, {
        hint: "look at the broker's log and load; the connection is made anew",
      }),
    );
  }
}
