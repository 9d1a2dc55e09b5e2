import { bytesOf } from "../lib/bytes.ts";
import type { EpochMs } from "../model/units.ts";
import type { RestoredPass } from "./face.ts";
import type { ReadPointSettings } from "./settings.ts";

/** A pass that was open when the daemon stopped, and where. */
export interface RecalledPass {
  readonly readPoint: string;
  readonly pass: RestoredPass;
}

/** The last that the ledger tells of a pass whose end it does not tell. */
interface RememberedPass extends Omit<RestoredPass, "code" | "stalled"> {
  readonly readPoint: string;
  readonly code: string;
  readonly codeClass: string;
  /** Why its summary was made; undefined for its first read. */
  readonly closeReason: string | undefined;
  /** When that event was made, or later: see `recallEvents`. */
  readonly at: EpochMs;
}

/** The code as the device gave it: the guard writes an SSCC without its application identifier 00. */
function codeAsRead(code: string, codeClass: string): Uint8Array {
  return bytesOf(codeClass === "sscc" ? `00${code}` : code);
}

/**
 * Which passes were open when the daemon stopped, as far as the ledger tells.
 *
 * Takes:   what the ledger remembers, oldest first, and when the last event of any kind was made.
 * Gives:   passes that may have lasted until then, and those that had stalled, at read points that are left. A pass is
 *          told as stalled at its first read after `pass_max_ms`, which may be as long in coming as it takes to depart.
 * Loses:   codes that are told as tokens: their key died with the daemon, so such a pass may be told twice.
 */
export function recallPasses(
  remembered: readonly RememberedPass[],
  lastAt: EpochMs,
  readPoints: readonly ReadPointSettings[],
): RecalledPass[] {
  const silentMsMax = new Map(readPoints.map((point) => [point.name, point.pass_max_ms + point.depart_ms]));
  return remembered.flatMap(({ readPoint, code, codeClass, closeReason, at, ...pass }) => {
    const sinceAt = lastAt - (silentMsMax.get(readPoint) ?? Number.NEGATIVE_INFINITY);
    if (at < sinceAt && (closeReason !== "stalled" || !silentMsMax.has(readPoint))) return [];
    return [{ readPoint, pass: { ...pass, code: codeAsRead(code, codeClass), stalled: closeReason !== undefined } }];
  });
}
