import type { Dbm } from "./units.ts";

/** How a code was carried: printed and seen, or stored in a tag and heard. */
export type Medium = "barcode" | "rfid";

/**
 * One claim by a device that it saw a code.
 *
 * `bytes[start, end)` is the code as the device gave it, latin1 for barcodes and upper-case hex for EPCs, without the
 * AIM identifier. The bytes belong to the framer and hold only until the call that delivers the read returns.
 */
export interface Read {
  readonly kind: "read";
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly medium: Medium;
  /** AIM symbology identifier such as `]C1` (ISO/IEC 15424); absent if the device does not send one. */
  readonly symbology?: string | undefined;
  /** Number of the antenna as the reader counts it; absent for barcodes. */
  readonly antenna?: number | undefined;
  /** Signal strength; absent if the reader does not tell. */
  readonly rssiDbm?: Dbm | undefined;
}

/** A device's claim that something passed and that it saw no code. */
export interface NoRead {
  readonly kind: "no-read";
  readonly medium: Medium;
}

/** A device's sign of life without a parcel. */
export interface Heartbeat {
  readonly kind: "heartbeat";
}

/** Why a frame could not be decoded. Counted by reason; the bytes themselves go nowhere. */
export type MalformedReason = "empty" | "too-long" | "bad-code" | "bad-fields" | "bad-quality";

/** A frame that is none of the above. */
export interface Malformed {
  readonly kind: "malformed";
  readonly reason: MalformedReason;
}

/** The device or its server says that reads were lost before they reached us. */
export interface SourceGap {
  readonly kind: "source-gap";
  /** `sequence`: a counter jumped; `overflow`: the server's queue overflowed. */
  readonly reason: "sequence" | "overflow";
  /** How many, as far as the source tells; at least 1. */
  readonly count: number;
}

/** Everything that a profile can make of one frame. */
export type Claim = Read | NoRead | Heartbeat | Malformed | SourceGap;
