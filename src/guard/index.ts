export { type ClockState, createGuard, type Guard } from "./clear.ts";
export type { LabelTotal, ShipperTotal } from "./label-counts.ts";
export { tokensOfNumber } from "./protect.ts";
export type { SealKey } from "./receiver.ts";
export { createRehearsal } from "./rehearse.ts";
export { openSealing, type Sealing } from "./sealing.ts";
export { isSealing } from "./settings.ts";
export { suiteOf } from "./suites/index.ts";
export { createTokenKeys, type TokenKeys } from "./tokens.ts";
