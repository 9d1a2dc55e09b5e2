import { createHash } from "node:crypto";
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
