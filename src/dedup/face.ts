import type { Tell } from "../model/notice.ts";
import type { Observation } from "../model/observation.ts";
import type { Medium, Read } from "../model/read.ts";
import type { EpochMs, MonotonicMs } from "../model/units.ts";
import type { WindowCounters } from "./counts.ts";
import type { HashKeys } from "./ring/hash.ts";
import type { ReadPointSettings } from "./settings.ts";

/** What became of a read. */
export type Admission = "opened" | "suppressed" | "refused-rssi" | "pending";

export interface WindowOptions {
  readonly settings: ReadPointSettings;
  readonly readPoint: string;
  /** Names of all devices of the read point; `admit` takes indexes into them. */
  readonly devices: readonly string[];
  readonly clock: { readonly boot: string };
  /** Passes that are followed at once. */
  readonly passesMax?: number;
  /** Rises with each, within this run of the gateway and over all its read points. */
  readonly nextPassNumber: () => number;
  /** Takes what is worth an event; must not call the window back. */
  readonly observe: (observation: Observation) => void;
  readonly tell: Tell;
  /** For tests that force collisions. */
  readonly hashKeys?: HashKeys;
}

/** A pass as the ledger remembers it. */
export interface RestoredPass {
  readonly code: Uint8Array;
  readonly passId: string;
  /** Name of the device that read it first; it may be gone from the config by now. */
  readonly device: string;
  readonly medium: Medium;
  readonly symbology: string | undefined;
  readonly firstReadAt: EpochMs;
  /** Its summary stands in the ledger too (stalled, or the stop of the daemon): it stays silent until it departs. */
  readonly stalled: boolean;
}

/** The passes at one read point; see `createWindow`. */
export interface DedupWindow {
  /** Takes one read; its bytes are used during the call only. Cost: O(1), no allocation for a repeated read. */
  admit(read: Read, device: number, nowMs: MonotonicMs, wallMs: EpochMs): Admission;
  /** Takes a no-read: always an observation. */
  noRead(device: number, medium: Medium, nowMs: MonotonicMs, wallMs: EpochMs): void;
  /** Ends passes that have departed, in order of departure; looks at no more than `budget` passes. */
  sweep(nowMs: MonotonicMs, wallMs: EpochMs, budget?: number): void;
  /**
   * Follows a pass again after a restart, as if it was read just now; observes nothing.
   *
   * Takes:   `isAgain` if this run had it before: if it departed meanwhile, all has been said of it.
   */
  restore(pass: RestoredPass, nowMs: MonotonicMs, isAgain?: boolean): void;
  /** Ends all passes; the window is empty after that. */
  close(nowMs: MonotonicMs, wallMs: EpochMs): void;
  counters(): WindowCounters;
}
