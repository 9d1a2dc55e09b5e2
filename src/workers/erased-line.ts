import type { SealedEvent } from "../model/event.ts";
import { canonicalize } from "../seal/index.ts";
import type { LedgerOptions } from "./messages.ts";

const hashBytes = 32;

/**
 * An event as it is given away: what stands at the place of an erased one is spelled out, so that a verifier can go on.
 *
 * Gives:   for an erased one `{"erased":{"digest":…,"id":…,"leaf":…,"source":…}}` as bytes, in canonical form.
 */
export function givenAway<Event extends SealedEvent>(
  event: Event,
  chain: string,
  { gateway, site }: Pick<LedgerOptions, "gateway" | "site">,
): Event {
  if (event.kind !== "erased") return event;
  const bytes = Buffer.from(event.bytes);
  const erased = {
    digest: bytes.toString("base64url", 0, hashBytes),
    id: `${gateway}/${chain}/${event.sequence}`,
    leaf: bytes.toString("base64url", hashBytes),
    source: `/sites/${site}/gateways/${gateway}`,
  };
  return { ...event, bytes: Buffer.from(canonicalize({ erased })) };
}
