/** What must come out of the gateway for one thing that happened on the virtual line. */
export interface Expected {
  /**
   * `read`: this code, in clear. `token`: a code of this length, only as a token. `no-read`: one for each that a device
   * told. `stalled`: a pass that was told to last too long.
   */
  readonly kind: "read" | "token" | "no-read" | "stalled";
  readonly readPoint: string;
  /** Number of the parcel, counted from 1; 0 for what is no parcel. */
  readonly parcel: number;
  /** The device that told; only for no-reads, because several devices may see a code first. */
  readonly device?: string;
  /** Only for `read` and `stalled`. */
  readonly code?: string;
  /** Length of the code in bytes; only for `token`. */
  readonly length?: number;
  /** Personal data that stood on the label: none of it may be found anywhere. */
  readonly secrets?: readonly string[];
  /** Takes back that it must come: the belt stopped before the gateway has surely seen it. */
  readonly mayBeMissing?: boolean;
}

/** Something happened on the line: what must come of it, and when it happened by the machine's monotonic clock. */
export interface Truth extends Expected {
  readonly passedAtMs: number;
}

/**
 * Milliseconds of a clock that all processes of this machine share and that nobody sets.
 *
 * Source: `process.hrtime` is CLOCK_MONOTONIC, which counts from the machine's start.
 */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
