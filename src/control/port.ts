import type { SealedEvent } from "../model/event.ts";
import type { AnyData, Unlisted } from "../model/event-fields.ts";
import type { RefusedStatus, Status } from "./status.ts";

/** Whose events go: those that bear this token, or this number in clear. */
export interface Subject {
  readonly kind: "token" | "code";
  readonly value: string;
  /** Tokens under which a number may stand as well: those of the days whose keys are there still. */
  readonly tokens?: readonly string[];
}

/** What became of the events of one subject. */
export interface Erasure {
  /** Events of the chain, and of damaged ledgers, that were erased. */
  readonly count: number;
  readonly salvagedCount: number;
  /** Up to this event all were looked at. */
  readonly to: number;
  /** Events that cannot be read, and may be of the subject. */
  readonly unreadableCount: number;
  /** Damaged ledgers that lie beside the ledger, by name: nothing is erased from them. */
  readonly files: readonly string[];
  /** Whether the write-ahead log is overwritten already; if not, it is tried again each minute. */
  readonly isOverwritten: boolean;
}

/** What the control socket needs of the gateway; `gateway.ts` provides it. */
export interface GatewayView {
  status(): Promise<Status>;
  /** What brokers refused for good, by broker: the newest one by one, the newest first. */
  refused(): Promise<Readonly<Record<string, readonly RefusedStatus[]>>>;
  /** Events of [from, to] that are on disk, in order, cut off after `bytesMax` bytes (but at least one). */
  events(from: number, to: number, bytesMax: number): Promise<readonly SealedEvent[]>;
  /** Calls back for each event once it is committed, until the returned function is called. */
  watch(listener: (event: SealedEvent) => void): () => void;
  /** Hands [from, to] out again to a broker that has it. Gives how many. Fails: usage/invalid, usage/unknown-name. */
  replay(broker: string, from: number, to: number): Promise<{ readonly count: number }>;
  /** Erases what belongs to one subject. Gives what became of it. Fails: usage/invalid, ledger/full. */
  erase(subject: Subject): Promise<Erasure>;
  /** Begins a new epoch: a new key, told by an `epoch` event. Gives its thumbprint and the event's sequence. */
  rotateKey(): Promise<{ readonly kid: string; readonly sequence: number }>;
  /** Puts a line about who did what through the control socket into the chain, as an `audit` event. */
  audit<Detail extends AnyData>(action: string, detail: Detail & Unlisted<"audit", Detail>): void;
  /** Puts an `alarm` event about what leaves by the control socket into the chain. */
  alarm<Detail extends AnyData>(alarm: string, detail: Detail & Unlisted<"alarm", Detail>): void;
}
