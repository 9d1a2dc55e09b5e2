import { fromBase64url } from "../../lib/base64url.ts";
import type { Json } from "../../model/event.ts";
import { canonicalize } from "../canonical.ts";
import { viewEventType } from "../chain.ts";
import { type EventSignature, isObject, readViewSignature } from "../jws.ts";
import { type CapturedPlace, placeIn } from "./place.ts";
import type { MalformedReason } from "./verdict.ts";

/**
 * What stands in the place of an event that is not there itself: one broker's view of it, or the mark of one that was
 * erased. Nothing of it is proven.
 */
export interface StandIn extends CapturedPlace {
  /** SHA-256 of the event's bytes. */
  readonly digest: Buffer;
  /** The Merkle log's leaf; absent in a view. */
  readonly leaf: Buffer | undefined;
  /** SM3 of the event's bytes; absent in a view, and in the mark of one that was erased before that was kept. */
  readonly sm3: Buffer | undefined;
  /** Of a view; a mark has no signature of its own: the events around it and a signed purge vouch for it. */
  readonly signed: { readonly signature: EventSignature; readonly payload: string } | undefined;
  /** What a view says of an event that is shown in it. */
  readonly told: { readonly type: string; readonly data: Json } | undefined;
}

type Members = { readonly [member: string]: Json };

/** The line of an erased event, as `queue export` writes it: `{"erased":{"digest":…,"id":…,"leaf":…,"sm3":…,"source":…}}`. */
export function readErased({ erased, ...others }: Members): StandIn | MalformedReason | undefined {
  if (erased === undefined || Object.keys(others).length > 0) return undefined;
  if (!isObject(erased)) return "not-an-event";
  const place = placeIn(erased);
  if (typeof place === "string") return place;
  const digest = hashIn(erased.digest);
  const leaf = hashIn(erased.leaf);
  const sm3 = hashIn(erased.sm3);
  // Zeros are where none is kept, and no event has them.
  const isUnreadable = erased.sm3 !== undefined && (sm3 === undefined || sm3.equals(Buffer.alloc(32)));
  return digest === undefined || leaf === undefined || isUnreadable
    ? "not-an-event"
    : { ...place, digest, leaf, sm3, signed: undefined, told: undefined };
}

/** A view: it names its event by id and digest. */
export function readView(value: Members): StandIn | MalformedReason | undefined {
  if (value.type !== viewEventType) return undefined;
  const { signature, ...members } = value;
  const { id, sequence, source, data } = members;
  const of = isObject(data) && isObject(data.of) ? data.of : {};
  const digest = hashIn(of.digest);
  const place = placeIn({ id: of.id ?? null, source: source ?? null });
  if (typeof place === "string") return place;
  if (digest === undefined) return "not-an-event";
  const viewer = isObject(data) && typeof data.viewer === "string" ? data.viewer : "";
  if (id !== `${String(of.id)}/${viewer}` || sequence !== String(place.sequence)) return "contradiction";
  const read: EventSignature = typeof signature === "string" ? readViewSignature(signature) : { kind: "malformed" };
  const told = typeof of.type === "string" ? { type: of.type, data: data ?? null } : undefined;
  return {
    ...place,
    digest,
    leaf: undefined,
    sm3: undefined,
    signed: { signature: read, payload: canonicalize(members) },
    told,
  };
}

function hashIn(text: Json | undefined): Buffer | undefined {
  const bytes = typeof text === "string" ? fromBase64url(text) : undefined;
  return bytes?.length === 32 ? bytes : undefined;
}
