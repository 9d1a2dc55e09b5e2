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

/** The numbers that a counter goes through; one that is signed may go on below 0 after its end. */
interface Range {
  readonly min: number;
  readonly max: number;
}

/** Of a counter that does not end: no PLC gets as far as this. */
const endless: Range = { min: 0, max: Number.MAX_SAFE_INTEGER };

/**
 * Compares a counter with its last value.
 *
 * Takes:   `last` undefined at the very first value; `range` the numbers after whose last it starts again: at 0, or at
 *          the lowest one if it is seen below 0.
 * Gives:   the scans between the two. A PLC that started anew begins at 0 (no scan yet) or 1 (its first scan); one that
 *          went back for another reason lost an unknown number, told as one.
 */
function stepOf(last: number | undefined, sequence: number, { min, max }: Range): Step {
  if (last === undefined || sequence === last) return { kind: "same" };
  const span = last < 0 || sequence < 0 ? max - min + 1 : max + 1;
  const difference = (((sequence - last) % span) + span) % span;
  if (difference === 1) return { kind: "scan", lostCount: 0 };
  if ((sequence === 0 || sequence === 1) && difference - 1 > wrapLossMax)
    return sequence === 0 ? { kind: "same" } : { kind: "scan", lostCount: 0 };
  const wentBack = sequence < last && difference > span / 2;
  return { kind: "scan", lostCount: wentBack ? 1 : difference - 1 };
}

function rangeOf(sequenceMax: number | undefined, { sequenceMin, sequenceMax: typeMax }: Fields): Range {
  if (sequenceMax !== undefined) return { min: 0, max: sequenceMax };
  return typeof sequenceMin === "number" && typeof typeMax === "number" ? { min: sequenceMin, max: typeMax } : endless;
}

/**
 * Decodes codes that are driven by a counter; remembers the counter over reconnects.
 *
 * Takes:   `sequenceMax` as configured; absent, the range that comes with each value counts, and without that the counter
 *          does not end.
 * Loses:   nothing silently: scans that were overwritten before they were read are told as a gap.
 */
export function createTagDecoder(
  sequenceMax: number | undefined,
): (values: Fields, claim: (claim: Claim) => void) => void {
  let last: number | undefined;
  const isSequence = (value: unknown, { min, max }: Range): value is number =>
    typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max;
  return (values, claim) => {
    const { sequence, code } = values;
    const range = rangeOf(sequenceMax, values);
    if (!isSequence(sequence, range)) {
      claim({ kind: "malformed", reason: "bad-fields" });
      return;
    }
    const step = stepOf(last, sequence, range);
    last = sequence;
    if (step.kind === "same") return;
    if (step.lostCount > 0) claim({ kind: "source-gap", reason: "sequence", count: step.lostCount });
    const isCode = typeof code === "string" || code instanceof Uint8Array;
    claim(isCode ? barcodeClaim(code) : { kind: "malformed", reason: "bad-fields" });
  };
}
