import { SortgateError } from "../model/error.ts";

/** What the shell learns. Scripts rely on these numbers. */
export const exitCodes = { fine: 0, problem: 1, usage: 2, unreachable: 3, storage: 74 } as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** The number with which the program ends after this error. */
export function exitCodeOf(error: unknown): ExitCode {
  if (!(error instanceof SortgateError)) return exitCodes.problem;
  if (error.code === "control/unreachable") return exitCodes.unreachable;
  if (["ledger/io", "ledger/corrupt", "ledger/full"].includes(error.code)) return exitCodes.storage;
  // A file to be written, which the command line names, is its matter too.
  if (["config/exists", "config/unwritable"].includes(error.code)) return exitCodes.usage;
  return error.code.startsWith("usage/") ? exitCodes.usage : exitCodes.problem;
}
