import { createPublicKey, hash } from "node:crypto";
import { createRequire } from "node:module";
import type { Json } from "../model/event.ts";
import { canonicalize } from "./canonical.ts";

/** Names the national algorithms of China (SM2, SM3) in all that is signed by them. */
export const gmProfile = "gm";

/** The signer's identity, a part of each SM2 signature: the one that others take where nothing is agreed (GM/T 0009). */
export const gmId = "1234567812345678";

/** An SM2 key pair whose secret half stays within this file. */
export interface GmKey {
  /** The public key: SPKI as DER in base64, which OpenSSL reads. */
  readonly key: string;
  /** Gives: the signature as DER. Cost: 1 ms. */
  readonly sign: (bytes: Uint8Array) => Buffer;
}

/** Whether the holder of a key made a signature over these bytes. Cost: 3 ms. Fails: never. */
export type GmCheck = (bytes: Uint8Array, signature: Buffer) => boolean;

/**
 * Draws a key pair.
 *
 * Node's own SM2 signs without an identity, and its generator makes keys of another algorithm: so it is that of
 * sm-crypto-v2, whose secrets are texts of V8, which nobody can overwrite. None of it is a certified product.
 * Cost:    100 ms for the first one, which loads the library; half a millisecond for each other.
 * Source:  GB/T 32918.2; GM/T 0009 for the identity and the form of the signature.
 */
export function createGmKey(): GmKey {
  const { privateKey, publicKey } = sm2().generateKeyPairHex();
  return {
    key: Buffer.from(spkiHead + publicKey, "hex").toString("base64"),
    sign: (bytes) =>
      derOf(sm2().doSignature(Uint8Array.from(bytes), privateKey, { hash: true, publicKey, userId: gmId })),
  };
}

/** What checks signatures by a public key as `GmKey` has it; nothing if it is none, or has another spelling. */
export function gmCheckOf(key: string): GmCheck | undefined {
  const bytes = Buffer.from(key, "base64");
  const spki = bytes.toString("hex");
  if (bytes.toString("base64") !== key || !spki.startsWith(`${spkiHead}04`) || bytes.length !== spkiBytes)
    return undefined;
  try {
    // It knows whether the point is on the curve.
    createPublicKey({ key: bytes, format: "der", type: "spki" });
  } catch {
    return undefined;
  }
  const publicKey = spki.slice(spkiHead.length);
  return (message, signature) => {
    const halves = halvesOf(signature);
    if (halves === undefined) return false;
    try {
      return sm2().doVerifySignature(Uint8Array.from(message), halves, publicKey, { hash: true, userId: gmId });
    } catch {
      // So the library says of some signatures that they are none.
      return false;
    }
  };
}

/** What is in front of the point in the SPKI of a key on the SM2 curve. */
const spkiHead = "3059301306072a8648ce3d020106082a811ccf5501822d034200";
const spkiBytes = 91;

type Sm2 = typeof import("sm-crypto-v2")["sm2"];

function sm2(): Sm2 {
  // Here and not at the top: few gateways sign with it, and whoever verifies others does not pay for it.
  return (createRequire(import.meta.url)("sm-crypto-v2") as typeof import("sm-crypto-v2")).sm2;
}

/** The one DER spelling of two numbers of 32 bytes each, given in hex. */
function derOf(halves: string): Buffer {
  const parts = [halves.slice(0, 64), halves.slice(64)].map((half) => {
    const digits = half.replace(/^(?:00)+(?!$)/, "");
    const number = Buffer.from(/^[89a-f]/.test(digits) ? `00${digits}` : digits, "hex");
    return Buffer.concat([Buffer.of(2, number.length), number]);
  });
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.of(0x30, body.length), body]);
}

/** The two numbers of a signature in hex; nothing for another spelling. Their range is the library's to look at. */
function halvesOf(der: Buffer): string | undefined {
  const second = 4 + (der[3] ?? 0);
  const text = [der.subarray(4, second), der.subarray(second + 2)]
    .map((number) => number.subarray(-32).toString("hex").padStart(64, "0"))
    .join("");
  return derOf(text).equals(der) ? text : undefined;
}

/** SM3, 32 bytes. Source: GB/T 32905. */
export function sm3(bytes: Uint8Array): Buffer {
  return hash("sm3", bytes, "buffer");
}

/**
 * The SM3 chain over some events that follow each other, signed as a whole.
 *
 * The chain's value after an event is SM3(the value before it ‖ SM3(the event's published bytes)).
 */
export interface GmSpan {
  /** Its first event. */
  readonly from: number;
  /** The value before it: 32 zeros at the start of a run, else what the span before it ended with. */
  readonly previous: Buffer;
  readonly value: Buffer;
}

/** A span that has no event yet. */
export function gmSpanAt(from: number, previous: Buffer = Buffer.alloc(32)): GmSpan {
  return { from, previous, value: previous };
}

/** The span with one more event in it, given by the SM3 of its bytes. */
export function gmSpanWith(span: GmSpan, digest: Uint8Array): GmSpan {
  return { ...span, value: sm3(Buffer.concat([span.value, digest])) };
}

/** Which chain a span belongs to. */
export interface GmPlace {
  readonly chain: string;
  readonly gateway: string;
  readonly site: string;
}

/** What a checkpoint says of a span, but for the signature. */
export interface GmClaim {
  readonly from: string;
  readonly previous: string;
  readonly profile: string;
  readonly sm3: string;
  readonly to: string;
}

export function gmClaimOf({ from, previous, value }: GmSpan, to: number): GmClaim {
  const [before, after] = [previous, value].map((one) => one.toString("base64url")) as [string, string];
  return { from: String(from), previous: before, profile: gmProfile, sm3: after, to: String(to) };
}

/** What is signed: the claim, and the chain that it is of; both name the profile. */
export function gmStatement({ chain, gateway, site }: GmPlace, claim: GmClaim): Buffer {
  const { from, previous, profile, sm3, to } = claim;
  return Buffer.from(canonicalize({ chain, from, gateway, previous, profile, site, sm3, to }));
}

/** What a checkpoint tells in `gm`. */
export function gmSigned(place: GmPlace, span: GmSpan, to: number, key: GmKey): { readonly [member: string]: Json } {
  const claim = gmClaimOf(span, to);
  return { ...claim, signature: key.sign(gmStatement(place, claim)).toString("base64") };
}
