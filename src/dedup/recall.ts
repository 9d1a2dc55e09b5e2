import { bytesOf } from "../lib/bytes.ts";
import type { Medium } from "../model/read.ts";
import type { EpochMs } from "../model/units.ts";
import type { RestoredPass } from "./face.ts";
import type { ReadPointSettings } from "./settings.ts";

/** A pass that was open when the daemon stopped, and where. */
export interface RecalledPass {
  readonly readPoint: string;
  readonly pass: RestoredPass;
}

interface ReadOrPassEvent {
  readonly type: string;
  readonly time: string;
  readonly data: {
    readonly code?: string;
    readonly codeClass: string;
    readonly passId: string;
    readonly readPoint: string;
    readonly device: string;
    readonly medium: Medium;
    readonly symbology?: string;
    readonly firstReadAt: string;
    readonly closeReason?: string;
  };
}

/** The code as the device gave it: the guard writes an SSCC without its application identifier 00. */
function codeAsRead(code: string, codeClass: string): Uint8Array {
  return bytesOf(codeClass === "sscc" ? `00${code}` : code);
}

/**
 * Which passes were open when the daemon stopped, as far as the ledger tells.
 *
 * Takes:   the last `read` and `pass` events in their order, and when the last event of any kind was made.
 * Gives:   passes that were neither closed nor older than `pass_max_ms` then, and those that had stalled.
 * Loses:   codes that are told as tokens: their key died with the daemon, so such a pass may be told twice.
 */
export function recallPasses(
  events: readonly string[],
  lastAt: EpochMs,
  readPoints: readonly ReadPointSettings[],
): RecalledPass[] {
  const passMaxMs = new Map(readPoints.map((point) => [point.name, point.pass_max_ms]));
  const open = new Map<string, RecalledPass & { at: EpochMs }>();
  for (const text of events) {
    const { data, time } = JSON.parse(text) as ReadOrPassEvent;
    const key = `${data.readPoint}\n${data.passId}`;
    const isOver = data.closeReason === "departed" || data.closeReason === "evicted";
    if (isOver || data.code === undefined || !passMaxMs.has(data.readPoint)) {
      open.delete(key);
      continue;
    }
    open.set(key, {
      readPoint: data.readPoint,
      at: Date.parse(time),
      pass: {
        code: codeAsRead(data.code, data.codeClass),
        passId: data.passId,
        device: data.device,
        medium: data.medium,
        symbology: data.symbology,
        firstReadAt: Date.parse(data.firstReadAt),
        stalled: data.closeReason !== undefined,
      },
    });
    if (data.closeReason === "stalled") open.get(key)!.at = Number.POSITIVE_INFINITY;
  }
  return [...open.values()].filter(({ at, readPoint }) => at >= lastAt - passMaxMs.get(readPoint)!);
}
