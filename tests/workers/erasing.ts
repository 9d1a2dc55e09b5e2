import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { SortgateError } from "../../src/model/error.ts";
import type { Json } from "../../src/model/event.ts";
import { canonicalize } from "../../src/seal/index.ts";
import type { DraftMessage, ErasureReport, Subject } from "../../src/workers/messages.ts";
import { dataOf, dir, type Rig, startMs } from "./core-rig.ts";

export const token = (name: string): string => `t1.J8sQ0aZk.${name.padEnd(22, "x")}`;
export const tokenOf = (name: string): Subject => ({ kind: "token", value: token(name) });

/** A read or another event of a pass, with this data. */
export function aRead(passId: string, data: Record<string, Json>, kind: DraftMessage["kind"] = "read"): DraftMessage {
  return { kind, subject: "tunnel-1", at: startMs, data: canonicalize({ passId, readPoint: "tunnel-1", ...data }) };
}

/** Commits drafts, and gives the sequences that they got. */
export function commit(rig: Rig, drafts: readonly DraftMessage[]): number[] {
  const before = rig.ledger.extent().last;
  rig.core.append(drafts, {});
  rig.core.flush();
  return drafts.map((_, index) => before + 1 + index);
}

/** Does the whole of an erasure. */
export function erase(rig: Rig, ...subjects: Subject[]): ErasureReport | SortgateError {
  let outcome: ErasureReport | SortgateError | undefined;
  rig.core.erasing.begin(subjects, (done) => (outcome = done));
  while (rig.core.erasing.step());
  return outcome!;
}

/** Hands all that is due to a broker, which has it for good. */
export function deliver(rig: Rig, broker = "central"): number[] {
  const sequences: number[] = [];
  for (;;) {
    const events = rig.core.outbox.lease(broker, 500);
    if (events.length === 0) return sequences;
    const part = events.map(({ sequence }) => sequence);
    sequences.push(...part);
    rig.core.outbox.settle(broker, part);
    rig.core.flush();
  }
}

/** Members of `data` of the events of a kind that the rig told. */
export const told = (rig: Rig, kind: string): Record<string, unknown>[] =>
  rig.events.filter((event) => event.kind === kind).map(dataOf);

/** Files of the ledger that hold a text. */
export function filesWith(text: string): string[] {
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isFile() && readFileSync(join(dir, entry.name)).includes(text))
    .map(({ name }) => name)
    .sort();
}

/** Overwrites in the log what is destroyed. */
export function wipe(rig: Rig): void {
  let step = rig.ledger.wipe();
  while (step === "more") step = rig.ledger.wipe();
  if (step !== "done") throw new Error(step);
}
