import type { Medium } from "./read.ts";
import type { Dbm, EpochMs, MonotonicMs } from "./units.ts";

/** Why a pass ended. */
export type CloseReason = "departed" | "stalled" | "evicted" | "shutdown";

/** What all observations of one pass share. The code is not guarded yet: nothing of it may leave memory. */
export interface PassFacts {
  readonly passId: string;
  readonly readPoint: string;
  /** The device that read it first. */
  readonly device: string;
  readonly medium: Medium;
  readonly symbology: string | undefined;
  /** The code's own copy of its bytes (see `Read`). */
  readonly code: Uint8Array;
  readonly firstReadAt: EpochMs;
  /** When this observation was made, on both clocks. */
  readonly at: EpochMs;
  readonly monotonicMs: MonotonicMs;
}

/** The first read of a pass, told at once. */
export interface FirstRead extends PassFacts {
  readonly kind: "first-read";
  readonly antenna: number | undefined;
  readonly rssiDbm: Dbm | undefined;
}

/** What one antenna contributed to a pass. */
export interface AntennaShare {
  readonly antenna: number;
  readonly readCount: number;
  /** The strongest read; absent if the reader does not tell. */
  readonly rssiDbmPeak: Dbm | undefined;
}

/** The summary of a pass, told when it ends. */
export interface Pass extends PassFacts {
  readonly kind: "pass";
  /** Exact to 5 ms: the ring keeps ticks, not dates. */
  readonly lastReadAt: EpochMs;
  readonly readCount: number;
  readonly antennas: readonly AntennaShare[];
  readonly devices: readonly string[];
  readonly closeReason: CloseReason;
}

/** Something passed and no code was seen. */
export interface NoReadObservation {
  readonly kind: "no-read";
  readonly readPoint: string;
  readonly device: string;
  readonly medium: Medium;
  readonly at: EpochMs;
  readonly monotonicMs: MonotonicMs;
}

export type Observation = FirstRead | Pass | NoReadObservation;
