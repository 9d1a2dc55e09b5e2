import { dirname } from "node:path";
import { SortgateError, systemCode } from "../model/error.ts";

/** Why a new file that the command line names was not made: wrong usage, whatever is in the way. */
export function cannotMake(path: string, option: string, cause: unknown): SortgateError {
  const code = systemCode(cause);
  if (code === "EEXIST")
    return new SortgateError("usage/invalid", `${path} is there already and is not written over`, {
      hint: `name another file with ${option}, or move this one away`,
      cause,
    });
  return new SortgateError("usage/invalid", `${path} cannot be written (${code || "unknown reason"})`, {
    hint: `name a file in a directory that you may write to with ${option}: ls -ld ${dirname(path)}`,
    cause,
  });
}
