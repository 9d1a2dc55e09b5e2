/** What a detector can find in text that has no form; names are found by what stands before them, see `label/keys.ts`. */
export type PersonalKind = "phone" | "identity" | "card" | "email" | "address";

/**
 * No label that sorts parcels shows more of persons: of one text no more streets in Latin letters and no more mail
 * addresses are found. Numbers are of several kinds, and one of them may stand behind many of another.
 */
export const findingsMax = 96;

/** A stretch of normalized text that is somebody's, `text.slice(start, end)`. */
export interface Finding {
  readonly kind: PersonalKind;
  readonly start: number;
  readonly end: number;
}
