export type { ChainVerdict, Finding, Verdict } from "./verdict.ts";
export { createVerifier, type Verifier } from "./verifier.ts";
