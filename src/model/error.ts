/** Every error that the program explains, as `area/reason`. The README lists each of them; a test keeps both in step. */
export const errorCodes = [
  "broker/refused",
  "broker/tls",
  "broker/unreachable",
  "config/exists",
  "config/invalid",
  "config/unreadable",
  "config/unwritable",
  "control/refused",
  "control/unreachable",
  "control/unusable",
  "device/closed",
  "device/misconfigured",
  "device/refused",
  "device/silent",
  "device/unplugged",
  "device/unreachable",
  "identity/certificate",
  "identity/unreadable",
  "identity/unwritable",
  "ledger/corrupt",
  "ledger/full",
  "ledger/io",
  "ledger/in-use",
  "ledger/newer",
  "ledger/unwritable",
  "output/unwritable",
  "usage/invalid",
  "usage/unknown-name",
  "verify/unreadable",
] as const;

export type ErrorCode = (typeof errorCodes)[number];

export interface ErrorDetail {
  /** What to do next: completes "Try: …". */
  readonly hint: string;
  readonly cause?: unknown;
  /** Facts for the log; no secret, no parcel data. */
  readonly context?: Readonly<Record<string, string | number | boolean>>;
}

/** An operating error: something in the world is wrong, and a person can do something about it. */
export class SortgateError extends Error {
  override readonly name = "SortgateError";
  readonly code: ErrorCode;
  readonly hint: string;
  readonly context: Readonly<Record<string, string | number | boolean>>;

  constructor(code: ErrorCode, sentence: string, detail: ErrorDetail) {
    super(sentence, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    this.hint = detail.hint;
    this.context = detail.context ?? {};
  }
}

/** The system's short name of an error (`ENOENT`, `ECONNREFUSED`), or an empty text. */
export function systemCode(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : "";
}

/** What the ledger's full answer becomes where an event must not be lost: it is to be tried again. */
export function noRoom(): SortgateError {
  return new SortgateError("ledger/full", "The ledger takes no event now", { hint: "sortgate status says why" });
}
