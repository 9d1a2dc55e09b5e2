/** What a detector can find in text that has no form; most names are found by what stands before them, see `label/keys.ts`. */
export type PersonalKind = "name" | "phone" | "identity" | "card" | "email" | "address";

/** A stretch of normalized text that is somebody's, `text.slice(start, end)`. */
export interface Finding {
  readonly kind: PersonalKind;
  readonly start: number;
  readonly end: number;
}
