import type { Clock } from "./lib/clock.ts";
import { limits } from "./model/limits.ts";
import type { Tell } from "./model/notice.ts";
import type { MonotonicMs } from "./model/units.ts";

/** Why devices are held back: the disk does not keep up, or the ledger is full and the site wants nothing lost. */
export type HoldReason = "overload" | "full";

/** What can be held back; a device that cannot wait reads on. */
export interface Holdable {
  pause(): void;
  resume(): void;
}

/** Makes devices wait instead of losing what they say. */
export interface BackPressure {
  /** From now on this device is held back with the others. */
  add(device: Holdable): void;
  /** Looks whether devices are to be held back. To be called after each event and each few tens of milliseconds; costs nothing. */
  check(): void;
  /** Absent while everything is read. */
  reason(): HoldReason | undefined;
  /** Since when they are held back, or no more. */
  sinceMs(): MonotonicMs;
}

/** From here on devices wait: as much again may be on its way from the wires. */
const holdAbove = limits.uncommittedEventsMax / 2;
/** Enough is left to commit until they have begun again. */
const releaseBelow = limits.uncommittedEventsMax / 4;
/** The same is told no oftener. */
const quietMs = 60_000;

const notices = {
  overload: {
    level: "info",
    message: "Events come faster than the disk takes them, so devices that can wait are made to; nothing is lost",
  },
  full: {
    level: "warn",
    message:
      'The ledger is full and when_full = "stop-reading": devices that can wait are not read until there is room. Bring the broker back, raise queue.bytes_max, or free the disk',
  },
} as const;

/**
 * Decides when devices wait.
 *
 * Gives:   a hold while more than half of what may be uncommitted is, until less than a quarter is; and, if the site
 *          wants reading to stop, while the ledger has no room. Otherwise a full ledger holds nobody: it drops as it was
 *          told to, and says so.
 */
export function createBackPressure(options: {
  readonly ledger: { uncommittedCount(): number; hasRoom(): boolean };
  readonly whenFull: "drop-oldest" | "drop-newest" | "stop-reading";
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly tell: Tell;
}): BackPressure {
  const { ledger, whenFull, clock, tell } = options;
  const devices: Holdable[] = [];
  const toldAt: Record<HoldReason, MonotonicMs> = { overload: -quietMs, full: -quietMs };
  let reason: HoldReason | undefined;
  let isTold = false;
  let sinceMs: MonotonicMs = 0;

  function wanted(): HoldReason | undefined {
    if (!ledger.hasRoom()) return whenFull === "stop-reading" ? "full" : undefined;
    const count = ledger.uncommittedCount();
    if (count > holdAbove || (reason !== undefined && count >= releaseBelow)) return "overload";
    return undefined;
  }

  function begin(now: HoldReason): void {
    const nowMs = clock.monotonicMs();
    if (nowMs - toldAt[now] < quietMs) return;
    toldAt[now] = nowMs;
    isTold = true;
    tell({ name: "read/paused", ...notices[now], fields: { reason: now } });
  }

  return {
    add(device) {
      devices.push(device);
      if (reason !== undefined) device.pause();
    },
    check() {
      const next = wanted();
      if (next === reason) return;
      const wasHeld = reason !== undefined;
      reason = next;
      sinceMs = clock.monotonicMs();
      if (next === undefined) for (const device of devices) device.resume();
      else if (!wasHeld) for (const device of devices) device.pause();
      if (next !== undefined) begin(next);
      else if (isTold) {
        isTold = false;
        tell({ name: "read/resumed", level: "info", message: "All devices are read again" });
      }
    },
    reason: () => reason,
    sinceMs: () => sinceMs,
  };
}
