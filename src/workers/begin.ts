import type { Identity } from "../identity/index.ts";
import type { Ledger, StoredEvent } from "../ledger/index.ts";
import type { Clock, Timers } from "../lib/clock.ts";
import type { Tell } from "../model/notice.ts";
import { createSealer } from "../seal/index.ts";
import { createEarly } from "./early.ts";
import { createEpochs } from "./epoch.ts";
import { packEvents } from "./event-batch.ts";
import { createLedgerCore } from "./ledger-core.ts";
import type { LedgerOptions } from "./messages.ts";
import { recallEvents } from "./recall.ts";
import { type LedgerPort, serveLedger } from "./serve.ts";
import { createViewed } from "./views.ts";

/** What the ledger thread begins with. */
export interface LedgerBeginning {
  readonly port: LedgerPort;
  /** Open, and nobody else's. */
  readonly ledger: Ledger;
  readonly identity: Omit<Identity, "applicationUri">;
  readonly options: LedgerOptions;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Names a new chain: 12 hex digits. */
  readonly drawChain: () => string;
}

/** Goes on with the chain of a ledger, tells that it is open, and serves it until told to stop. */
export function beginLedger({ port, ledger, identity, options, clock, timers, drawChain }: LedgerBeginning): void {
  const { site, gateway, brokers } = options;
  const known = ledger.chain();
  const chain = known?.chain ?? drawChain();
  const tell: Tell = (notice) => port.post({ type: "notice", notice });
  const recalled = recallEvents(ledger, options.recallMs, tell);
  const sealer = createSealer({ chain, gateway, site, state: known });
  let isLive = false;
  let live: StoredEvent[] = [];
  let committedCount = 0;
  const early = createEarly(port, (message) => core.outbox.settle(message.broker, message.sequences, message.refused));
  const core = createLedgerCore({
    ledger,
    sealer,
    chain,
    options,
    beginEpoch: createEpochs(sealer, chain, identity, options),
    clock,
    tell,
    committed(events, appendedCount) {
      committedCount += appendedCount;
      if (isLive) live.push(...events);
    },
    sealed: early.takeSettled,
  });
  let hadRoom = true;
  const flush = (): void => {
    if (core.hasRoom() !== hadRoom) {
      hadRoom = core.hasRoom();
      port.post({ type: "room", hasRoom: hadRoom });
    }
    if (committedCount > 0) port.post({ type: "committed", count: committedCount });
    committedCount = 0;
    if (live.length === 0) return;
    const batch = packEvents(live);
    live = [];
    port.post({ type: "live", batch }, [batch.bytes.buffer]);
  };
  core.start(known === undefined);
  // What was read in part before is read on while events flow.
  for (const file of ledger.unsalvaged()) {
    const what = ledger.moved?.file === file.file ? ledger.moved.what : "moved aside";
    if (file.reached === 0 && !core.salvage(file, what, Number.POSITIVE_INFINITY)) break;
  }
  const { subject, fingerprint, notBefore, notAfter, isSelfSigned, certificatePath: path, keyPath } = identity;
  port.post({
    type: "opened",
    opened: {
      chain,
      sequence: sealer.sequence(),
      certificate: { subject, fingerprint, notBefore, notAfter, isSelfSigned, path, keyPath },
      ...recalled,
    },
  });
  const setLive = (on: boolean): void => {
    isLive = on;
  };
  const viewed = createViewed(sealer, options, clock);
  serveLedger({ port, core, ledger, brokers, timers, setLive, flush, early, viewed });
}
