import type { GuardSettings, PolicyPayload } from "../settings.ts";

/** The keys of `[guard]` that a signed policy may say; the others are the box's own. */
export const policyKeys = ["carriers", "unknown", "core", "basic", "public", "masks", "policy"] as const;

/**
 * What the guard works by: what the signed policy says, and where it says nothing what the config does.
 *
 * Where it says what becomes of a class, it says so for all read points: those of the config have no word then.
 */
export function combined(guard: GuardSettings, { guard: signed }: PolicyPayload): GuardSettings {
  const said = Object.entries(signed).filter(([, value]) => value !== undefined);
  return { ...guard, ...(isForAll(signed) && { policy: [] }), ...Object.fromEntries(said) };
}

/** Whether a signed policy leaves no word to the read points of the config. */
export function isForAll({ core, basic, public: open }: PolicyPayload["guard"]): boolean {
  return core !== undefined || basic !== undefined || open !== undefined;
}

/** What the guard works by while the signed policy does not hold: nothing leaves but tokens, or not even those. */
export function dropping(guard: GuardSettings): GuardSettings {
  return { ...guard, core: "drop", basic: "token", public: "drop", policy: [] };
}
