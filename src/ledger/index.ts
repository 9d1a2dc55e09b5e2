export { type Cursor, createCursor } from "./cursor.ts";
export { openDamaged } from "./damage/damaged.ts";
export { previousOf } from "./damage/intact.ts";
export type { Unsalvaged } from "./damage/quarantine.ts";
export type { SalvagedEvent } from "./damage/salvaged.ts";
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
export { countOf, createRangeSet, type Range } from "./range-set.ts";
