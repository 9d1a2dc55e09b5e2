import { unpackLeft } from "../ledger/index.ts";
import type { SealedEvent } from "../model/event.ts";
import { canonicalize } from "../seal/index.ts";
import type { LedgerOptions } from "./messages.ts";

/**
 * An event as it is given away: what stands at the place of an erased one is spelled out, so that a verifier can go on.
 *
 * Gives:   for an erased one `{"erased":{"digest":…,"id":…,"leaf":…,"sm3":…,"source":…}}` as bytes, in canonical form.
 */
export function givenAway<Event extends SealedEvent>(
  event: Event,
  chain: string,
  { gateway, site }: Pick<LedgerOptions, "gateway" | "site">,
): Event {
  if (event.kind !== "erased") return event;
  const { digest, leaf, sm3 } = unpackLeft(event.bytes);
  const erased = {
    digest: Buffer.from(digest).toString("base64url"),
    id: `${gateway}/${chain}/${event.sequence}`,
    leaf: Buffer.from(leaf).toString("base64url"),
    ...(sm3 === undefined ? {} : { sm3: Buffer.from(sm3).toString("base64url") }),
    source: `/sites/${site}/gateways/${gateway}`,
  };
  return { ...event, bytes: Buffer.from(canonicalize({ erased })) };
}
