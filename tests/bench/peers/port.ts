import type { Report } from "../report.ts";
import type { LoadOrder } from "../rig/load.ts";
import type { BrokerKind, Contender, Measured } from "../rig/processes.ts";

/** What a section needs of the bench. */
export interface Bench {
  readonly report: Report;
  /** How long each measured stretch lasts. */
  readonly seconds: number;
  /** Tells how far it is. */
  say(text: string): void;
  /** The usual order with these changes. */
  order(changes: Partial<LoadOrder>): LoadOrder;
  /** One run; absent if it failed, which is told. */
  run(
    scenario: string,
    contender: Contender,
    order: LoadOrder,
    prefix?: readonly string[],
    broker?: BrokerKind,
  ): Promise<Measured | undefined>;
}
