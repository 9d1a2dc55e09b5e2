import { statSync } from "node:fs";
import { SortgateError } from "../../model/error.ts";

/** Files can be removed under a program that has them open: what it writes then goes nowhere. */
export function createPlaceCheck(path: string): () => void {
  const inodes = (): string =>
    [path, `${path}-wal`].map((file) => statSync(file, { throwIfNoEntry: false })?.ino ?? "gone").join(" ");
  const opened = inodes();
  return () => {
    if (inodes() === opened) return;
    throw new SortgateError("ledger/io", `The ledger ${path} was removed or replaced while it was in use`, {
      hint: "put it back if it was moved; events accepted since are gone with it. A new start goes on with what lies there",
    });
  };
}

/** Bytes of a file; 0 if there is none. */
export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
