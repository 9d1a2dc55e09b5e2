import type { Row } from "./rows.ts";

/** A purge that an event of a span tells of. */
export interface Told<Purge> {
  readonly purge: Purge;
  readonly sequence: number;
}

/**
 * Events whose key is not there, each of which the next one follows.
 *
 * What is believed of them is what a verified event behind them links back to: its gateway signed the hash of the event
 * before it, which holds the hash of the one before that. Without the key nobody can write such events, since no other
 * bytes have that hash. Whatever else stands in a span may be anybody's who had the file in his hands, its purges too:
 * all of a span that no verified event follows, and what lies before a stand-in. A mark tells the hash of its event and
 * not the one that its event held, so the links end there: before it anybody may put events of his own, and among them
 * one that tells of erasures. What a view shows is bound by its signature alone.
 */
export interface Span<Purge> {
  readonly from: number;
  to: number;
  /** The gap in which their epoch event went; absent if there was none. */
  readonly gap: number | undefined;
  /** From here on each one is held by the hash in the next; past `to` if none is. */
  heldFrom: number;
  /** A verified event follows and links back to them: from `heldFrom` on they are what the gateway chained. */
  isAnchored: boolean;
  /** What the held ones tell. */
  told: Told<Purge>[];
}

/** The next of a span's events, or its first. */
export function extendSpan<Purge>(span: Span<Purge>, { form, sequence }: Row, purge: Purge | undefined): void {
  span.to = sequence;
  if (form !== "event") {
    span.heldFrom = form === "erased" ? sequence : sequence + 1;
    span.told = [];
  } else if (purge !== undefined) span.told.push({ purge, sequence });
}

/** The part of a span that nobody can vouch for; `to` is before `from` if there is none. Takes: whether its key went lawfully. */
export function doubtIn(span: Span<unknown>, isKeyPurged: boolean): { readonly from: number; readonly to: number } {
  const { from, to, heldFrom, isAnchored } = span;
  return { from, to: isKeyPurged && isAnchored ? heldFrom - 1 : to };
}
