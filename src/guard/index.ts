export { type ClockState, createGuard, type Guard } from "./clear.ts";
export { createTokenKeys, type TokenKeys } from "./tokens.ts";
