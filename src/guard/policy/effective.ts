import type { GuardSettings, PolicyPayload } from "../settings.ts";

/** The keys of `[guard]` that a signed policy may say; the others are the box's own. */
export const policyKeys = ["carriers", "unknown", "core", "basic", "public", "masks", "policy"] as const;

/** What the guard works by: what the signed policy says, and where it says nothing what the config does. */
export function combined(guard: GuardSettings, { guard: signed }: PolicyPayload): GuardSettings {
  const said = Object.entries(signed).filter(([, value]) => value !== undefined);
  return { ...guard, ...Object.fromEntries(said) };
}

/** What the guard works by while the signed policy does not hold: nothing leaves but tokens. */
export function dropping(guard: GuardSettings): GuardSettings {
  return { ...guard, core: "drop", basic: "token", public: "drop", unknown: "token", policy: [] };
}
