export { type DaysFinding, daysOf, judgeDays } from "./days.ts";
export {
  type Identity,
  type IdentitySettings,
  type Imported,
  importCertificates,
  inspectIdentity,
  openIdentity,
  requestForAuthority,
} from "./identity.ts";
export { type DoneOrder, orderMemory, policyMemory } from "./memory.ts";
