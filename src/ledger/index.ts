export { type Cursor, createCursor } from "./cursor.ts";
export { openDamaged } from "./damage/damaged.ts";
export { hashAt, isLeft, linkAt, packLeft, previousOf, unpackLeft } from "./damage/intact.ts";
export type { Unsalvaged } from "./damage/quarantine.ts";
export type { SalvagedEvent } from "./damage/salvaged.ts";
export type { DestroyedCounts, Erased } from "./erased-rows.ts";
export { openLedger } from "./ledger.ts";
export type {
  BrokerCounts,
  ChainRow,
  Commit,
  Ledger,
  LedgerExtent,
  NewlyRefused,
  RefusedEvent,
  StoredEvent,
} from "./ledger-face.ts";
export { countOf, createRangeSet, type Range } from "./range-set.ts";
