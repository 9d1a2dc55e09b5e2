export { canonicalize } from "./canonical.ts";
export { type ChainState, createSealer, type Draft, type Sealer, type ViewDraft } from "./chain.ts";
export { createEpochKey, type EpochKey, type EpochReason, epochData } from "./epoch.ts";
export { sm3 } from "./gm.ts";
export type { DeviceSigner } from "./jws.ts";
export { leafHashOf } from "./merkle.ts";
export {
  type ChainVerdict,
  createEventCheck,
  createVerifier,
  type EventPlace,
  type Finding,
  type Verdict,
  type Verifier,
  type VerifierSettings,
} from "./verify/index.ts";
