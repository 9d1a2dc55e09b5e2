export { type Cursor, createCursor } from "./cursor.ts";
export {
  type BrokerCounts,
  type ChainRow,
  type Commit,
  type Ledger,
  type LedgerExtent,
  type NewlyRefused,
  openLedger,
  type RefusedEvent,
  type StoredEvent,
} from "./ledger.ts";
export { countOf, type Range } from "./range-set.ts";
