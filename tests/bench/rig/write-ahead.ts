import { readFileSync } from "node:fs";
import { join } from "node:path";
import { scratch } from "./processes.ts";

/**
 * A command that writes down each write into a file of the program behind it.
 *
 * Cost:    each of these writes stops for the tracer: the script becomes slower, but writes the same for each event; a
 *          contender that commits in groups has somewhat larger groups.
 */
export function writeAheadTrace(): { readonly prefix: readonly string[]; readonly file: string } {
  const file = join(scratch("trace"), "trace");
  return { prefix: ["strace", "-f", "--seccomp-bpf", "-y", "-s", "0", "-e", "trace=pwrite64", "-o", file], file };
}

/** Bytes that went into write-ahead logs, by what the tracer wrote: `pwrite64(21</…/queue.db-wal>, ""..., 4096, 32) = 4096`. */
export function writeAheadBytes(file: string): number {
  let bytes = 0;
  const isAhead = new Map<string, boolean>();
  for (const line of readFileSync(file, "latin1").split("\n")) {
    // A call that another thread interrupted in the trace names its file in the first half, its count in the second.
    const thread = line.slice(0, line.indexOf(" "));
    if (line.includes("pwrite64(")) isAhead.set(thread, line.includes("-wal>"));
    const written = / = (\d+)$/.exec(line)?.[1];
    if (written !== undefined && isAhead.get(thread) === true) bytes += Number(written);
  }
  return bytes;
}
