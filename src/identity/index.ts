export {
  type Identity,
  type IdentitySettings,
  type Imported,
  importCertificates,
  openIdentity,
  requestForAuthority,
} from "./identity.ts";
export { type DoneOrder, orderMemory, policyMemory } from "./memory.ts";
