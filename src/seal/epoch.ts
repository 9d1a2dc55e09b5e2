import type { Json } from "../model/event.ts";
import type { DataOf } from "../model/event-fields.ts";
import { createSigningPair, type SigningPair } from "./ed25519.ts";
import { createGmKey, type GmKey, gmId, gmProfile } from "./gm.ts";
import { type DeviceSigner, eventHeader, type PublicJwk, signStatement, thumbprint, viewHeader } from "./jws.ts";

/** The key of one run, or of one day of it. It lives in memory and dies there. */
export interface EpochKey {
  readonly sign: SigningPair["sign"];
  readonly jwk: PublicJwk;
  readonly kid: string;
  /** The encoded header of every event that it signs. */
  readonly header: string;
  /** …and of every view. */
  readonly viewHeader: string;
  /** Signs what checkpoints tell, besides; absent with the default algorithms. */
  readonly gm?: GmKey;
}

/** Draws a new epoch key; with `gm` one of the national algorithms beside it. */
export function createEpochKey(profile: "intl" | "gm" = "intl"): EpochKey {
  const { x, sign } = createSigningPair();
  const jwk: PublicJwk = { crv: "Ed25519", kty: "OKP", x };
  const kid = thumbprint(jwk);
  const gm = profile === gmProfile ? { gm: createGmKey() } : {};
  return { sign, jwk, kid, header: eventHeader(kid), viewHeader: viewHeader(kid), ...gm };
}

/** Why an epoch begins. */
export type EpochReason = "start" | "rotation" | "new-ledger";

export interface EpochFacts {
  readonly chain: string;
  readonly gateway: string;
  readonly site: string;
  /** The sequence of the epoch event itself. */
  readonly sequence: number;
  readonly key: EpochKey;
  readonly device: DeviceSigner;
  /** The version of the program. */
  readonly software: string;
  /** SHA-256 of the effective configuration, in hex. */
  readonly configDigest: string;
  readonly reason: EpochReason;
}

/**
 * What an `epoch` event says: the new public key, and the device's word for it.
 *
 * Cost: one RSA signature, about 2 ms.
 */
export function epochData(facts: EpochFacts): DataOf<"epoch"> {
  const { jwk, gm: sm2 } = facts.key;
  const gm = sm2 && { id: gmId, key: sm2.key, profile: gmProfile };
  return {
    config: facts.configDigest,
    endorsement: signStatement(endorsedStatement(facts, String(facts.sequence), jwk, gm), facts.device),
    ...(gm === undefined ? {} : { gm }),
    key: jwk,
    // The device key is a file of the box: no other place is supported, and nobody shall think so.
    keyStorage: "software",
    reason: facts.reason,
    software: facts.software,
  };
}

/**
 * What the device key signs: these keys, from this event on, in this chain, and nowhere else.
 *
 * Takes:   `gm` as it stands in the event; undefined where it has none, so that none can be put in or taken out.
 */
export function endorsedStatement(
  place: { readonly chain: string; readonly gateway: string; readonly site: string },
  sequence: string,
  key: PublicJwk,
  gm: Json | undefined,
): Json {
  const { chain, gateway, site } = place;
  return { chain, gateway, ...(gm === undefined ? {} : { gm }), key, sequence, site };
}
