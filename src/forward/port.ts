import type { SealedEvent } from "../model/event.ts";

/** What the forwarder needs of the ledger: events that are durable, in the order in which to send them. */
export interface Backlog {
  /** Begins a connection: `onEvents` gets what is asked for by `want`; what was never settled comes again. */
  connect(onEvents: (events: readonly SealedEvent[]) => void): BacklogConnection;
}

/** An event that a broker will never take, and why. */
export interface Refusal {
  readonly sequence: number;
  readonly reason: string;
}

export interface BacklogConnection {
  /** Asks for `count` more events, now or as soon as there are any. */
  want(count: number): void;
  /** Tells that the broker has these for good, or will never take those of them that are `refused`. */
  settle(sequences: readonly number[], refused: readonly Refusal[]): void;
  /** Resolves once what was settled is durable, or finds no room to be. Fails: the ledger has ended. */
  written(): Promise<unknown>;
  close(): void;
}
