import type { AnyData, ListedKind, Unlisted } from "./event-fields.ts";
import type { EpochMs } from "./units.ts";

/**
 * The kinds of event, as in `org.sortgate.<kind>.v1`. `erased` is none: it says that at a place of the ledger only the
 * hashes of an event are left.
 */
export type EventKind =
  | "read"
  | "pass"
  | "noread"
  | "epoch"
  | "checkpoint"
  | "gap"
  | "alarm"
  | "audit"
  | "device"
  | "purge"
  /** In no ledger: what a broker with a view gets for an event of which it is to know nothing but that there is one. */
  | "view"
  | "erased";

/** Anything that has one spelling in RFC 8785. No `undefined`, no NaN, no number beyond 2^53. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [member: string]: Json };

declare const cleared: unique symbol;

/**
 * An event that may leave memory. Only `guard` makes one from a read; `announce` makes one from the program's own facts.
 *
 * The brand keeps data that was not guarded from compiling where it would be signed and stored.
 */
export interface ClearedEvent {
  readonly [cleared]: true;
  readonly kind: EventKind;
  /** Read point or device; absent where the event is about the gateway. */
  readonly subject: string | undefined;
  readonly at: EpochMs;
  readonly data: { readonly [member: string]: Json };
}

/** Kinds of what the program says about itself. */
type AnnouncedKind = Exclude<ListedKind, "read" | "pass" | "noread" | "epoch" | "checkpoint" | "view">;

/**
 * What the program says about itself in the chain. It must hold no text that came in over a wire, and no member that is
 * not listed in `event-fields.ts`.
 */
export function announce<Kind extends AnnouncedKind, Data extends AnyData>(
  kind: Kind,
  at: EpochMs,
  data: Data & Unlisted<Kind, Data>,
  subject?: string,
): ClearedEvent {
  return brandCleared({ kind, subject, at, data });
}

/** Puts a line about what was done, or is wrong, into the chain. False: there is no room now. */
export type TellChain = <Kind extends "audit" | "alarm", Data extends AnyData>(
  kind: Kind,
  data: Data & Unlisted<Kind, Data>,
) => boolean;

/** For `guard` alone (and for `announce`): a test holds that nothing else imports it. */
export function brandCleared(event: Omit<ClearedEvent, typeof cleared>): ClearedEvent {
  return event as ClearedEvent;
}

declare const viewed: unique symbol;

/**
 * What a broker with a view may know of an event. Only `guard` makes one, see `createViews`.
 *
 * The brand keeps an event that was not reduced from compiling where it would be signed for a partner.
 */
export interface View {
  readonly [viewed]: true;
  /** `view` where that is only that there was an event. */
  readonly kind: EventKind;
  /** Read point; absent where the broker is not to know it. */
  readonly subject?: string | undefined;
  /** RFC 3339; absent where the broker is not to know it. */
  readonly time?: string | undefined;
  readonly data: { readonly [member: string]: Json };
}

/** For `guard` alone: a test holds that nothing else imports it. */
export function brandView(view: Omit<View, typeof viewed>): View {
  return view as View;
}

/** A place in another chain than that of the ledger. */
export interface EventOrigin {
  readonly chain: string;
  readonly sequence: number;
}

/** An event as it stands in the ledger and goes over the wire. */
export interface SealedEvent {
  readonly sequence: number;
  readonly kind: EventKind;
  readonly subject: string | undefined;
  /** The canonical bytes that were signed, signature included; they are never serialised again. */
  readonly bytes: Uint8Array;
  /** Of an event saved from a damaged ledger: its place in that chain. Its `sequence` here is below nought, to settle it by. */
  readonly origin?: EventOrigin | undefined;
}

declare const sealedView: unique symbol;

/** A view as it goes over the wire. Only the sealer makes one, of a `View`. */
export interface SealedView extends SealedEvent {
  readonly [sealedView]: true;
}

/** For `seal` alone: a test holds that nothing else imports it. */
export function brandSealedView(view: SealedEvent): SealedView {
  return view as SealedView;
}
