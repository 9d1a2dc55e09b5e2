import { createHash } from "node:crypto";
import type { Commit, StoredEvent } from "../../src/ledger/index.ts";
import type { Trace, Violation } from "./trace.ts";

/** An event that was committed once, whatever became of it. */
export interface Committed {
  readonly sequence: number;
  readonly kind: string;
  readonly bytes: Buffer;
  readonly atMs: number;
  /** The run that committed it. */
  readonly run: number;
}

/** What a broker has, as the broker knows it. */
export interface Receipt {
  receivedCount: number;
  /** The connection over which it received the event last. */
  connection: number;
  /** It said that it will never take it. */
  isRefused: boolean;
}

/** What the forwarder reckons for topic, properties and header. */
const packetOverheadBytes = 1_024;

/**
 * What really happened, seen from outside: it survives whatever the gateway forgets, and judges what it does at once.
 */
export class Truth {
  readonly trace: Trace;
  readonly committed: Committed[] = [];
  readonly receipts = new Map<string, Map<number, Receipt>>();
  /** When a commit last found no room or took long: cursors may not have been written then. */
  fullAtMs = Number.NEGATIVE_INFINITY;
  /** Events up to this one were destroyed. */
  destroyedTo = 0;
  /** Called with each event that was committed. */
  onCommitted: (event: Committed) => void = () => {};
  violation: Violation | undefined;
  /** Brokers that take no larger packets, by name. */
  readonly packetBytesMax = new Map<string, number>();
  readonly #settledTo = new Map<string, number>();

  constructor(trace: Trace, brokers: readonly string[]) {
    this.trace = trace;
    for (const broker of brokers) this.receipts.set(broker, new Map());
  }

  /** The first promise that is broken ends the history. */
  violate(oracle: string, text: string): void {
    if (this.violation !== undefined) return;
    this.violation = { oracle, text };
    this.trace.add(`VIOLATION ${oracle}: ${text}`);
  }

  lastSequence(): number {
    return this.committed.length;
  }

  /** A commit took effect. */
  took(commit: Commit, run: number, atMs: number): void {
    for (const event of commit.events) this.#took(event, run, atMs);
    this.destroyedTo = Math.max(this.destroyedTo, commit.destroyTo);
    const last = this.committed.at(-1);
    if (commit.chain.sequence !== this.lastSequence())
      this.violate("chain", `the chain row says ${commit.chain.sequence}, the last event is ${this.lastSequence()}`);
    if (last !== undefined && createHash("sha256").update(last.bytes).digest("base64url") !== commit.chain.previous)
      this.violate("chain", `the chain row does not fit event ${last.sequence}`);
    for (const [broker, ranges] of commit.settled) this.#checkSettled(broker, ranges);
  }

  #took(event: StoredEvent, run: number, atMs: number): void {
    const { sequence, kind } = event;
    const expected = this.committed.length + 1;
    if (sequence !== expected) this.violate("gapless", `event ${sequence} was committed where ${expected} was to come`);
    const committed = { sequence, kind, bytes: Buffer.from(event.bytes), atMs, run };
    this.committed.push(committed);
    this.trace.add(`committed ${sequence} ${kind} ${event.bytes.length}`);
    this.onCommitted(committed);
  }

  /** The broker has the event, or will never take it. */
  isDone(broker: string, sequence: number): boolean {
    const receipt = this.receipts.get(broker)?.get(sequence);
    if (receipt !== undefined && (receipt.receivedCount > 0 || receipt.isRefused)) return true;
    const bytesMax = this.packetBytesMax.get(broker) ?? Number.POSITIVE_INFINITY;
    return (this.committed[sequence - 1]?.bytes.length ?? 0) + packetOverheadBytes > bytesMax;
  }

  /** A cursor must not pass what its broker neither has nor refused, unless it is destroyed. */
  #checkSettled(broker: string, ranges: Commit["settled"] extends ReadonlyMap<string, infer R> ? R : never): void {
    const receipts = this.receipts.get(broker);
    if (receipts === undefined) return;
    let to = this.#settledTo.get(broker) ?? 0;
    for (const [from, end] of ranges)
      for (let sequence = Math.max(from, to + 1); sequence <= end; sequence += 1) {
        if (!this.isDone(broker, sequence) && sequence > this.destroyedTo)
          this.violate("settled", `the cursor of ${broker} passed event ${sequence}, which the broker does not have`);
      }
    const [first] = ranges;
    if (first !== undefined && first[0] === 1) to = Math.max(to, first[1]);
    this.#settledTo.set(broker, to);
  }

  /** A broker received an event. Gives what it knew of it before. */
  received(broker: string, sequence: number, bytes: Uint8Array): Receipt {
    const event = this.committed[sequence - 1];
    if (event === undefined) this.violate("durable-first", `${broker} got event ${sequence} before it was committed`);
    else if (!event.bytes.equals(bytes)) this.violate("identical", `${broker} got event ${sequence} with other bytes`);
    const receipts = this.receipts.get(broker)!;
    let receipt = receipts.get(sequence);
    if (receipt === undefined) {
      receipt = { receivedCount: 0, connection: 0, isRefused: false };
      receipts.set(sequence, receipt);
    }
    return receipt;
  }
}
