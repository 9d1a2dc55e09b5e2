export { createEventCheck, type EventPlace } from "./event-check.ts";
export type { ChainVerdict, Finding, Verdict } from "./verdict.ts";
export { createVerifier, type Verifier, type VerifierSettings } from "./verifier.ts";
