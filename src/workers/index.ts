export type { LedgerBeginning } from "./begin.ts";
export { unpackEvents } from "./event-batch.ts";
export { createLedgerHandle, type LedgerBacklog, type LedgerHandle, type LedgerThread } from "./handle.ts";
export { type OpeningLedger, type StartedLedger, startLedgerThread } from "./ledger.ts";
export type {
  Counters,
  FromLedger,
  LedgerOpened,
  LedgerOptions,
  LedgerStats,
  RefusedRow,
  Subject,
  ToLedger,
} from "./messages.ts";
export type { LedgerPort } from "./serve.ts";
