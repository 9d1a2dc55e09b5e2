import { type Backlog, type Forwarder, startForwarder } from "../../src/forward/index.ts";
import { type BrokerSettings, brokerSettings } from "../../src/forward/settings.ts";
import { createSystemClock } from "../../src/lib/clock.ts";
import type { Tell } from "../../src/model/notice.ts";

export interface ForwarderFacts {
  readonly settings: Partial<BrokerSettings> & { readonly url: string };
  readonly backlog: Backlog;
  readonly tell?: Tell;
  /** Draws the pauses; short ones, where a test need not wait. */
  readonly random?: () => number;
  /** Takes orders. */
  readonly orders?: { take(bytes: Uint8Array): boolean; missed(): void };
}

/** A forwarder of the gateway line-3 at HZ01 to a broker called central. */
export function aForwarder({ settings, backlog, tell = () => {}, random, orders }: ForwarderFacts): Forwarder {
  return startForwarder({
    settings: brokerSettings.parse({ name: "central", ...settings }),
    site: "HZ01",
    gateway: "line-3",
    chain: "6f1c2a9be04d",
    software: "0.1.0",
    backlog,
    clock: createSystemClock(),
    tell,
    orders,
    ...(random === undefined ? {} : { random }),
  });
}
