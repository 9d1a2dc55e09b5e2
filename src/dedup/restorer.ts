import { limits } from "../model/limits.ts";
import type { MonotonicMs } from "../model/units.ts";
import type { RecalledPass } from "./recall.ts";

export interface RestorerOptions {
  /** All devices; the restorer knows them by their place here. */
  readonly devices: readonly { readonly name: string; readonly readPoint: string }[];
  readonly recalled: readonly RecalledPass[];
  /** Opens a pass again: its time to depart begins now. `isAgain`: for the second time. */
  readonly restore: (recalled: RecalledPass, nowMs: MonotonicMs, isAgain: boolean) => void;
}

/** When passes that were open at the last stop are opened again; see `createRestorer`. */
export interface Restorer {
  /** The device is connected: it can be heard from now on. */
  up(device: number, nowMs: MonotonicMs): void;
  /** The device said something that was understood. To be called before that reaches the window. */
  heard(device: number, nowMs: MonotonicMs): void;
  /** To be called now and then: ends the wait for devices that stay silent. */
  sweep(nowMs: MonotonicMs): void;
  /** Opens all that still wait: the daemon stops, and what it says of its open passes shall hold them too. */
  close(nowMs: MonotonicMs): void;
}

/**
 * Events of passes that were open when the daemon stopped are never repeated.
 *
 * A scanner that is connected may still be silent for longer than a pass takes to depart: it warms up, or it waits for
 * its trigger. So the passes of a read point are opened again at the first word of one of its devices, just before that
 * word is looked at; and once more at the first word of the device that read them first, which may take longer to come.
 *
 * Takes:   times that do not run backwards.
 * Loses:   nothing. A device that is silent for `restoreGraceMs` after it came up is waited for no longer: a code that
 *          comes round again much later is a new pass.
 */
export function createRestorer({ devices, recalled, restore }: RestorerOptions): Restorer {
  let waiting = recalled;
  const begun = new Set<string>();
  /** Until when each device that is up and still silent is waited for. */
  const graces = new Map<number, MonotonicMs>();
  const known = new Set<number>();

  function release(device: number, isHeard: boolean, nowMs: MonotonicMs): void {
    const { name, readPoint } = devices[device]!;
    const isFirst = !begun.has(readPoint);
    begun.add(readPoint);
    graces.delete(device);
    const here = waiting.filter((one) => one.readPoint === readPoint);
    for (const one of here) if (isFirst || (isHeard && one.pass.device === name)) restore(one, nowMs, !isFirst);
    waiting = waiting.filter((one) => one.readPoint !== readPoint || one.pass.device !== name);
  }

  return {
    up(device, nowMs) {
      if (known.has(device)) return;
      known.add(device);
      graces.set(device, nowMs + limits.restoreGraceMs);
    },
    heard(device, nowMs) {
      known.add(device);
      release(device, true, nowMs);
    },
    sweep(nowMs) {
      for (const [device, until] of graces) if (nowMs >= until) release(device, false, nowMs);
    },
    close(nowMs) {
      for (const one of waiting) if (!begun.has(one.readPoint)) restore(one, nowMs, false);
      waiting = [];
      graces.clear();
    },
  };
}
