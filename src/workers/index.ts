export { unpackEvents } from "./event-batch.ts";
export { type LedgerBacklog, type LedgerConnection, type LedgerThread, openLedgerThread } from "./ledger.ts";
export type { Counters, LedgerOpened, LedgerStats, RefusedRow } from "./messages.ts";
