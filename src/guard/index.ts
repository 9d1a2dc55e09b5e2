export { type ClockState, createGuard, type Guard } from "./clear.ts";
export type { LabelTotal } from "./label-counts.ts";
export { openSealing, type Sealing } from "./sealing.ts";
export { suiteOf } from "./suites/index.ts";
export { createTokenKeys, type TokenKeys } from "./tokens.ts";
