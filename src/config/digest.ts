import { createHash } from "node:crypto";
import type { GuardSettings } from "../guard/settings.ts";
import type { Config } from "./schema.ts";

/** A copy whose objects have their keys in order, so that equal configurations have equal texts. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, ordered(inner)]));
}

/** SHA-256 in hex over the effective configuration, defaults included: layout and comments of the file do not matter. */
export function configDigest(config: Config): string {
  return createHash("sha256")
    .update(JSON.stringify(ordered(config)))
    .digest("hex");
}

/**
 * SHA-256 in base64url over what the guard works by, defaults included; which files it lies in does not matter.
 *
 * Source:  RFC 8785 for the bytes: members in order, no space.
 */
export function policyHash({ seal_key_file, policy_file, policy_key_file, ...policy }: GuardSettings): string {
  return createHash("sha256")
    .update(JSON.stringify(ordered(policy)))
    .digest("base64url");
}
