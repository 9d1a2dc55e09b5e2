import type { Claim } from "../../../src/model/read.ts";
import { barcodeClaim } from "../opcua-barcode.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A counter that went past its end and lost this many scans or fewer has wrapped; otherwise the PLC started anew. */
const wrapLossMax = 10;

/** What a new value of the counter says. */
type Step =
  /** Nothing new: a repeated notification, or the value that was there before us. */
  | { readonly kind: "same" }
  /** One scan, after `lostCount` others that nobody read. */
  | { readonly kind: "scan"; readonly lostCount: number };

/**
 * Compares a counter with its last value.
 *
 * Takes:   `last` undefined at the very first value; `max` the value after which it starts again at 0.
 * Gives:   the scans between the two. A PLC that started anew begins at 0 (no scan yet) or 1 (its first scan); one that
 *          went back for another reason lost an unknown number, told as one.
 */
function stepOf(last: number | undefined, sequence: number, max: number): Step {
  if (last === undefined || sequence === last) return { kind: "same" };
  const span = max + 1;
  const difference = (((sequence - last) % span) + span) % span;
  if (difference === 1) return { kind: "scan", lostCount: 0 };
  if (sequence <= 1 && difference - 1 > wrapLossMax)
    return sequence === 0 ? { kind: "same" } : { kind: "scan", lostCount: 0 };
  const wentBack = sequence < last && difference > span / 2;
  return { kind: "scan", lostCount: wentBack ? 1 : difference - 1 };
}

/**
 * Decodes codes that are driven by a counter; remembers the counter over reconnects.
 *
 * Loses:   nothing silently: scans that were overwritten before they were read are told as a gap.
 */
export function createTagDecoder(sequenceMax: number): (values: Fields, claim: (claim: Claim) => void) => void {
  let last: number | undefined;
  const isSequence = (value: unknown): value is number =>
    typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= sequenceMax;
  return ({ sequence, code }, claim) => {
    if (!isSequence(sequence)) {
      claim({ kind: "malformed", reason: "bad-fields" });
      return;
    }
    const step = stepOf(last, sequence, sequenceMax);
    last = sequence;
    if (step.kind === "same") return;
    if (step.lostCount > 0) claim({ kind: "source-gap", reason: "sequence", count: step.lostCount });
    const isCode = typeof code === "string" || code instanceof Uint8Array;
    claim(isCode ? barcodeClaim(code) : { kind: "malformed", reason: "bad-fields" });
  };
}
