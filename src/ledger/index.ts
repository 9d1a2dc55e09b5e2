export { type Cursor, createCursor, type Range } from "./cursor.ts";
export {
  type ChainRow,
  type Commit,
  type Ledger,
  type LedgerExtent,
  type NewlyRefused,
  openLedger,
  type RefusedEvent,
  type StoredEvent,
} from "./ledger.ts";
