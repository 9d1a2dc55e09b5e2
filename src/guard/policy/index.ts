export { readReceiver } from "../receiver.ts";
export { isSealing } from "../settings.ts";
export { combined, dropping, isForAll, policyKeys } from "./effective.ts";
export { centreKeyOf, claimOf, provenByCentre, type SignedKind, signAsCentre } from "./jws.ts";
export { type PolicyRefusal, refusal } from "./refusal.ts";
