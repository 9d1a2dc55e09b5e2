/** Why a signed policy does not hold: a word for the chain. */
export type RefusalReason =
  | "unreadable"
  | "key"
  | "unsigned"
  | "signature"
  | "invalid"
  | "site"
  | "expired"
  | "older"
  | "other-content"
  | "memory";

/** Why a signed policy does not hold, and what to do about it. */
export interface PolicyRefusal {
  readonly reason: RefusalReason;
  /** The key of `[guard]` that is meant. */
  readonly key: "policy_file" | "policy_key_file";
  /** Without the file's name. */
  readonly sentence: string;
  /** Completes "Try: …". */
  readonly hint: string;
}

export function refusal(
  reason: RefusalReason,
  sentence: string,
  hint: string,
  key: PolicyRefusal["key"] = "policy_file",
): { readonly refused: PolicyRefusal } {
  return { refused: { reason, key, sentence, hint } };
}
