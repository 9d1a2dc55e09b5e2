import type { Clock } from "../lib/clock.ts";
import type { Tell } from "../model/notice.ts";
import type { Claim, Medium } from "../model/read.ts";
import type { DurationMs } from "../model/units.ts";

/** What came over a wire. */
export type Chunk =
  /** Bytes as they arrived; they may be reused by the driver after `receive` returns. */
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** Values that arrived together, for wires that carry values instead of bytes. */
  | { readonly kind: "values"; readonly values: Readonly<Record<string, unknown>> }
  /** The stream broke off: what was received half is void. */
  | { readonly kind: "break" };

/** Who this gateway is towards devices that ask for a certificate: PEM files, chain and RSA key (contract §6). */
export interface OwnCertificate {
  readonly certificatePath: string;
  readonly keyPath: string;
}

/** What a driver is given. */
export interface DriverContext {
  /** The device's name in the config, for notices. */
  readonly device: string;
  /** Takes a chunk; returns at once and never throws. What does not fit is counted and told by the receiver. */
  receive(chunk: Chunk): void;
  /** Aborts when the device is to be let go; `open` must then reject or the session end. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly tell: Tell;
  /** A directory that the driver may write to (certificates it trusts); exists, mode 0700. */
  readonly stateDir: string;
  /** Absent in tools that must not touch the gateway's identity: the driver then makes a certificate of its own. */
  readonly ownCertificate?: OwnCertificate | undefined;
}

/** Why a session ended: a bounded set, so that it may stand in an event. */
export type EndReason = "closed" | "unplugged" | "refused" | "timeout" | "silent" | "error";

export interface SessionEnd {
  readonly reason: EndReason;
  /** One sentence for the log; no parcel data. */
  readonly sentence: string;
}

/** One opened wire. */
export interface Session {
  /** Settles exactly once with the reason; never rejects. */
  readonly ended: Promise<SessionEnd>;
  /** Closes the wire; idempotent. Nothing is delivered after it resolves. */
  close(): Promise<void>;
  /**
   * Stops reading until `resume`, so that the far end has to wait; both are idempotent. Absent where the far end cannot
   * wait: what comes then is taken, and lost only where that is counted.
   *
   * A session that is paused ends, closes and is let go as ever. What the device had sent before it went away is delivered
   * after `resume`, if the wire still has it; an end that shows only by reading may show only then.
   */
  pause?(): void;
  resume?(): void;
}

/** Moves bytes or values from one kind of wire. Knows no device, no meaning, no retry. */
export interface Driver<Settings> {
  /** The word used in the config file. */
  readonly name: string;
  /** How long `open` may take at most, however slow the box; by default as long as a connect. */
  readonly openMsMax?: DurationMs;
  /** No wait between two attempts is longer; by default as long as for brokers, whose callers are many. */
  readonly retryMsMax?: DurationMs;
  /**
   * Opens the wire once.
   *
   * Fails:  with a `SortgateError` of area `device`; the supervisor calls again with back-off until it succeeds, so a
   *         driver holds no retry of its own. A session is never reopened.
   */
  open(settings: Settings, context: DriverContext): Promise<Session>;
}

/** Why bytes were discarded before they became a frame. */
export type DiscardReason = "too-long" | "noise" | "broken-off";

/** Where a framer puts what it finds. Frames are stretches of a buffer that hold only during the call. */
export interface FrameSink {
  frame(bytes: Uint8Array, start: number, end: number): void;
  discarded(reason: DiscardReason, byteCount: number): void;
}

/** Cuts a stream of bytes into frames: synchronous, bounded, and back in step after any garbage. */
export interface Framer {
  push(bytes: Uint8Array, sink: FrameSink): void;
  /** Forgets a frame that was received half (the stream broke off), and tells it as discarded. */
  reset(sink: FrameSink): void;
}

/** What the technician may set of a profile. */
export interface ProfileOptions {
  /** Texts that mean "something passed, no code seen". Replaces the profile's own list. */
  readonly noRead?: readonly string[] | undefined;
  /** Texts that mean "I am alive". Replaces the profile's own list. */
  readonly heartbeat?: readonly string[] | undefined;
}

/** A stretch of a frame, as offsets into the same buffer. */
export type FieldPlace = (start: number, end: number) => void;

/** What one type of device says: framing, decoding, quirks. Holds the state of one stream, so one is made per device. */
export interface Profile {
  readonly name: string;
  readonly medium: Medium;
  /** Present for profiles of byte streams; a new framer, in its initial state. */
  readonly framer?: Framer;
  /** Decodes one frame into claims. Never throws: what cannot be decoded is a `Malformed`. */
  decodeFrame?(bytes: Uint8Array, start: number, end: number, claim: (claim: Claim) => void): void;
  /** Tells where in a frame names and values of fields stand that it understands, codes not among them. */
  fieldsIn?(bytes: Uint8Array, start: number, end: number, field: FieldPlace): void;
  /** Decodes values that arrived together; for drivers that carry values. Never throws. */
  decodeValues?(values: Readonly<Record<string, unknown>>, claim: (claim: Claim) => void): void;
}
