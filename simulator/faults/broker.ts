import type { LinkOptions, Message, MqttLink, Published } from "../../src/forward/index.ts";
import { SortgateError } from "../../src/model/error.ts";
import { limits } from "../../src/model/limits.ts";
import type { Random } from "../belt/random.ts";
import type { BrokerPlan, BrokerTrouble } from "./plan.ts";
import type { Schedule } from "./schedule.ts";
import type { SimThread } from "./thread.ts";
import type { Truth } from "./truth.ts";

export interface BrokerOptions {
  readonly plan: BrokerPlan;
  readonly schedule: Schedule;
  readonly truth: Truth;
  readonly random: Random;
}

/** One connection, as its judges see it. */
export interface SimConnection {
  readonly number: number;
  /** Nothing was lost, refused or delayed on it. */
  isClean: boolean;
  isOpen: boolean;
  readonly acceptedAtMs: number;
  /** Events that may be in flight on it. */
  readonly window: number;
  readonly received: Set<number>;
}

interface Inside extends SimConnection {
  readonly protocol: 4 | 5;
  /** The gateway is gone, and what it sent may still come in. */
  isAbandoned: boolean;
  /** When the disk was full last: what was acknowledged before, over any connection since, could not be written down. */
  readonly fullAtMs: number;
  /** Events that came again, by the connection over which they came before. */
  readonly repeatsFrom: Map<number, number>;
  readonly thread: SimThread;
  readonly unanswered: Set<Published>;
  readonly settle: (reason: SortgateError) => void;
  arrivesAt: number;
  answersAt: number;
}

/** Connect, publish and acknowledgement take so long on the way. */
const wireMs = 2;

function unreachable(text: string): SortgateError {
  return new SortgateError("broker/unreachable", text, { hint: "look at the broker" });
}

/** A broker that takes events at QoS 1, and what can go wrong with it. Remembers what it got, whatever goes wrong. */
export class SimBroker {
  readonly #plan: BrokerPlan;
  readonly #schedule: Schedule;
  readonly #truth: Truth;
  readonly #random: Random;
  #isHealed = false;
  /** When each connection was accepted. */
  readonly #acceptedAtMs: number[] = [];
  #current: Inside | undefined;

  constructor({ plan, schedule, truth, random }: BrokerOptions) {
    this.#plan = plan;
    this.#schedule = schedule;
    this.#truth = truth;
    this.#random = random;
  }

  get name(): string {
    return this.#plan.name;
  }

  get ackMsMax(): number {
    return this.#plan.ackMsMax;
  }

  connection(): SimConnection | undefined {
    return this.#current?.isOpen === true ? this.#current : undefined;
  }

  /** No trouble from here on. */
  heal(): void {
    this.#isHealed = true;
  }

  /** Connections break that were up while a trouble begins that does not let them be. */
  troubleBegins(kind: BrokerTrouble): void {
    if (kind === "down" && this.#current !== undefined) this.#cut(this.#current, "the broker is gone");
    this.blemish();
  }

  /** Something went wrong that delays what goes over the connection of now. */
  blemish(): void {
    if (this.#current !== undefined) this.#current.isClean = false;
  }

  #trouble(): BrokerTrouble | undefined {
    if (this.#isHealed) return undefined;
    const now = this.#schedule.nowMs();
    return this.#plan.phases.find(({ fromMs, toMs }) => fromMs <= now && now < toMs)?.kind;
  }

  #happens(share: number): boolean {
    return !this.#isHealed && share > 0 && this.#random.chance(share);
  }

  /** What the forwarder of one process opens; `thread` is where that process hears of it. */
  open({ protocol, signal, settings }: LinkOptions, thread: SimThread): Promise<MqttLink> {
    const { name, knowsMqtt5 } = this.#plan;
    const trouble = this.#trouble();
    const takesMs = trouble === "hangs" ? limits.connectTimeoutMs + 1_000 : this.#random.between(1, 40);
    return new Promise((resolve, reject) => {
      const refuse = (error: SortgateError): void => {
        cancel();
        this.#schedule.touch();
        reject(error);
      };
      const answer = (): void => {
        signal.removeEventListener("abort", onAbort);
        this.#truth.trace.add(`connect ${name} v${protocol} ${trouble ?? "accepted"}`);
        if (trouble === "down" || trouble === "hangs") refuse(unreachable(`Broker "${name}" does not answer`));
        else if (trouble === "refuses" || (protocol === 5 && !knowsMqtt5)) {
          const reason = trouble === "refuses" ? 136 : 132;
          const detail = { hint: "look at the broker's log", context: { reason } };
          refuse(new SortgateError("broker/refused", `Broker "${name}" refuses`, detail));
        } else {
          this.#schedule.touch();
          resolve(this.#accept(thread, protocol, settings.in_flight_max));
        }
      };
      const cancel = thread.run(this.#schedule.nowMs() + takesMs, answer);
      const onAbort = (): void => refuse(unreachable("stopped"));
      signal.addEventListener("abort", onAbort, { once: true });
      if (signal.aborted) onAbort();
    });
  }

  #accept(thread: SimThread, protocol: 4 | 5, windowMax: number): MqttLink {
    if (this.#current !== undefined) this.#cut(this.#current, "taken over by a new connection");
    let settle: (reason: SortgateError) => void = () => {};
    const ended = new Promise<SortgateError>((resolve) => (settle = resolve));
    const acceptedAtMs = this.#schedule.nowMs();
    const connection: Inside = {
      number: this.#acceptedAtMs.push(acceptedAtMs),
      protocol,
      isAbandoned: false,
      repeatsFrom: new Map(),
      fullAtMs: this.#truth.fullAtMs,
      acceptedAtMs,
      window: Math.max(1, Math.min(windowMax, (protocol === 5 ? this.#plan.receiveMax : 65_535) - 1)),
      isClean: this.#trouble() === undefined,
      isOpen: true,
      received: new Set(),
      thread,
      unanswered: new Set(),
      settle: (reason) => {
        this.#schedule.touch();
        settle(reason);
      },
      arrivesAt: 0,
      answersAt: 0,
    };
    this.#current = connection;
    // MQTT 3.1.1 knows no receive maximum.
    const inFlightMax = protocol === 5 ? this.#plan.receiveMax : 65_535;
    const most = Math.min(windowMax + 1, inFlightMax);
    return {
      protocol,
      inFlightMax,
      packetBytesMax: protocol === 5 ? this.#plan.packetBytesMax : 268_435_455,
      ended,
      publish: (message, done) => this.#publish(connection, message, done, most),
      subscribe() {},
      end: (reason) => {
        this.#close(connection, "left");
        connection.settle(reason);
      },
      leave: () =>
        new Promise((resolve) => {
          this.#close(connection, "goodbye");
          thread.run(this.#schedule.nowMs() + wireMs, resolve);
        }),
    };
  }

  #publish(connection: Inside, message: Message, done: Published, most: number): void {
    if (!connection.isOpen) return;
    connection.unanswered.add(done);
    if (connection.unanswered.size > most)
      this.#truth.violate("window", `${connection.unanswered.size} in flight at ${this.name}, where ${most} may be`);
    connection.arrivesAt = Math.max(connection.arrivesAt, connection.thread.nowMs()) + this.#random.fraction() * wireMs;
    this.#schedule.at(connection.arrivesAt, () => this.#arrived(connection, message, done));
  }

  /** A message is at the broker, if the connection still stands. */
  #arrived(connection: Inside, message: Message, done: Published): void {
    // What was on the wire when the gateway went away may still come, or not.
    if (!connection.isOpen && !(connection.isAbandoned && this.#random.chance(0.5))) return;
    const sequence = message.userProperties?.sequence;
    if (this.#happens(this.#plan.broken) && connection.isOpen) {
      const isTaken = this.#random.chance(0.5);
      if (isTaken && sequence !== undefined) this.#take(connection, Number(sequence), message);
      this.#cut(connection, isTaken ? "took and closed" : "closed");
      return;
    }
    if (this.#happens(this.#plan.takenOver) && connection.isOpen) {
      this.#cut(connection, "another client took our place", 142);
      return;
    }
    const trouble = this.#trouble();
    if (trouble === "silent") {
      connection.isClean = false;
      return;
    }
    let refusedFor: number | undefined;
    if (sequence !== undefined) {
      const code = connection.protocol === 5 ? this.#codeFor(message, trouble) : undefined;
      if (code === undefined) this.#take(connection, Number(sequence), message);
      else {
        connection.isClean = false;
        refusedFor = code;
        const receipt = this.#truth.received(this.name, Number(sequence), message.bytes);
        if (code === 153) receipt.isRefused = true;
        this.#truth.trace.add(`${this.name} refuses ${sequence} with ${code}`);
      }
    }
    if (this.#happens(this.#plan.lostAck)) {
      connection.isClean = false;
      this.#truth.trace.add(`${this.name} ack of ${sequence ?? "status"} is lost`);
      return;
    }
    this.#answer(connection, done, refusedFor);
  }

  /** Only MQTT 5 can refuse a publish. */
  #codeFor(message: Message, trouble: BrokerTrouble | undefined): number | undefined {
    const kind = message.topic.includes("/read/") ? "read" : (message.topic.split("/").at(-1) ?? "");
    if (this.#plan.refusedForGood.includes(kind)) return 153;
    return trouble === "quota" ? 151 : undefined;
  }

  #take(connection: Inside, sequence: number, message: Message): void {
    const receipt = this.#truth.received(this.name, sequence, message.bytes);
    if (receipt.receivedCount > 0) this.#repeated(connection, receipt.connection);
    receipt.connection = connection.number;
    if (connection.received.has(sequence))
      this.#truth.violate("once", `${this.name} got event ${sequence} twice over one connection`);
    receipt.receivedCount += 1;
    connection.received.add(sequence);
    this.#truth.trace.add(`${this.name}#${connection.number} got ${sequence}`);
  }

  /** Each connection leaves no more than a window that comes again over the next, and what was tried again beside it. */
  #repeated(connection: Inside, from: number): void {
    const count = (connection.repeatsFrom.get(from) ?? 0) + 1;
    connection.repeatsFrom.set(from, count);
    const mayRepeat = connection.fullAtMs >= this.#acceptedAtMs[from - 1]!;
    if (count > this.#plan.inFlightMax + 1 && !mayRepeat)
      this.#truth.violate("repeats", `${this.name} got ${count} events of connection ${from} again`);
  }

  #answer(connection: Inside, done: Published, refusedFor: number | undefined): void {
    const takesMs = this.#random.fraction() * (this.#plan.ackMsMax + wireMs);
    connection.answersAt = Math.max(connection.answersAt, this.#schedule.nowMs() + takesMs);
    connection.thread.run(connection.answersAt, () => {
      if (connection.isOpen && connection.unanswered.delete(done)) done(refusedFor);
    });
  }

  /** The broker or the network ends a connection; the gateway hears of it a little later. */
  #cut(connection: Inside, why: string, reason = 0): void {
    if (!connection.isOpen) return;
    this.#close(connection, why);
    const { thread, unanswered } = connection;
    thread.run(this.#schedule.nowMs() + this.#random.fraction() * 5, () => {
      const detail = { hint: "nothing", context: { reason } };
      const code = reason === 0 ? "broker/unreachable" : "broker/refused";
      connection.settle(new SortgateError(code, `Broker "${this.name}" closed the connection`, detail));
      unanswered.clear();
    });
  }

  #close(connection: Inside, why: string): void {
    if (!connection.isOpen) return;
    connection.isOpen = false;
    this.#truth.trace.add(`${this.name}#${connection.number} closed: ${why}`);
  }

  /** The process of the gateway is gone. */
  abandoned(): void {
    if (this.#current === undefined) return;
    this.#current.isAbandoned = this.#current.isOpen;
    this.#close(this.#current, "the gateway is gone");
  }
}
