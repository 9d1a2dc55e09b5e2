import type { LedgerExtent } from "../ledger/index.ts";
import { SortgateError } from "../model/error.ts";

/** Fails: usage/invalid for a range that is not on disk as a whole, usage/unknown-name for a broker that is not there. */
export function checkReplay(
  { broker, from, to }: { readonly broker: string; readonly from: number; readonly to: number },
  { first, last }: Pick<LedgerExtent, "first" | "last">,
  brokers: readonly string[],
): void {
  if (from > to)
    throw new SortgateError("usage/invalid", "The range ends before it begins", { hint: "--from 1 --to 100" });
  if (from < first || to > last)
    throw new SortgateError("usage/invalid", `Events ${from} to ${to} are not all on disk`, {
      hint: `a range within ${first} to ${last}; what is older is gone`,
    });
  if (!brokers.includes(broker))
    throw new SortgateError("usage/unknown-name", `There is no broker "${broker}" in the config`, {
      hint: `one of ${brokers.join(", ")}`,
    });
}
