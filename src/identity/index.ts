export {
  type Identity,
  type IdentitySettings,
  type Imported,
  importCertificates,
  openIdentity,
  requestForAuthority,
} from "./identity.ts";
export { type PolicyMemory, policyMemory } from "./policy-memory.ts";
