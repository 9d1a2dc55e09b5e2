import { maskCode } from "../../model/code/mask.ts";
import type { SealedEvent } from "../../model/event.ts";

/** An event for human eyes; see `maskedEvent`. */
export type MaskedEvent = Readonly<Record<string, unknown>> & { readonly sequence: string };

/**
 * An event with its code masked, as `watch` and `peek` give it away.
 *
 * `signature` and `previous` are left out on purpose: both are functions of the full code, so whoever holds one can try
 * all hidden digits until it fits.
 *
 * Fails:  never; of an event that does not parse only its place is given.
 */
export function maskedEvent(event: SealedEvent): MaskedEvent {
  const place = { sequence: String(event.sequence), kind: event.kind };
  // Nothing is left of it but hashes.
  if (event.kind === "erased") return { ...place, data: {} };
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(event.bytes).toString("utf8"));
  } catch {
    return { ...place, unreadable: true };
  }
  if (!isRecord(parsed)) return { ...place, unreadable: true };
  const { signature: _signature, previous: _previous, data, ...rest } = parsed;
  return { ...rest, ...place, data: isRecord(data) ? maskedData(data) : {} };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What the label holds of persons is for who gets the events: neither masks nor blobs are given; tokens are, to erase by. */
function maskedData(data: Record<string, unknown>): Record<string, unknown> {
  const { code, epcUri, masked: _masked, sealed: _sealed, ...rest } = data;
  return {
    ...(typeof code === "string" && { code: maskCode(code) }),
    ...(typeof epcUri === "string" && { epcUri: maskUri(epcUri) }),
    ...rest,
  };
}

/** `urn:epc:id:sgtin:…`: the scheme says what kind of tag it is, the rest is the code again. */
function maskUri(uri: string): string {
  const scheme = /^urn:epc:[a-z]{1,8}:[a-z0-9-]{1,16}:/.exec(uri)?.[0];
  return `${scheme ?? ""}…`;
}

/** The stored bytes of an event as one line; canonical JSON holds no line break. */
export function exactLine(event: SealedEvent): Buffer {
  return Buffer.concat([event.bytes, newline]);
}

const newline = Buffer.from("\n");

/** The text of a line of ours, for a response. */
export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
