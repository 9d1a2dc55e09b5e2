export { type Cursor, createCursor, type Range } from "./cursor.ts";
export { type ChainRow, type Commit, type Ledger, type LedgerExtent, openLedger, type StoredEvent } from "./ledger.ts";
