import { fromBase64url } from "../../lib/base64url.ts";
import type { Json } from "../../model/event.ts";
import {
  type GmCheck,
  type GmClaim,
  type GmPlace,
  type GmSpan,
  gmCheckOf,
  gmClaimOf,
  gmId,
  gmProfile,
  gmSpanAt,
  gmSpanWith,
  gmStatement,
  sm3,
} from "../gm.ts";
import { isObject } from "../jws.ts";
import type { GmCounts, GmReason } from "./verdict.ts";

/** What an epoch event brings for the national algorithms; nothing of it is proven. */
export interface GmBrought {
  /** Absent: the profile, or the identity that it signs under, is not known here. */
  readonly key: string | undefined;
  /** Whether the SM3 chain begins with it; else it goes on. */
  readonly isStart: boolean;
}

/** What a checkpoint tells by them; nothing of it is proven. */
export type GmTold =
  | { readonly claim: GmClaim; readonly signature: Buffer }
  | { readonly refused: Extract<GmReason, "profile" | "malformed"> };

/** Gives: undefined where the epoch event brings nothing of the kind. */
export function readGmBrought(data: Json): GmBrought | undefined {
  if (!isObject(data) || data.gm === undefined) return undefined;
  const { id, key, profile } = isObject(data.gm) ? data.gm : {};
  const isKnown = profile === gmProfile && id === gmId;
  return { key: isKnown ? String(key) : undefined, isStart: data.reason !== "rotation" };
}

export function readGmTold({ gm }: { readonly [member: string]: Json }): GmTold | undefined {
  if (gm === undefined) return undefined;
  const { signature, ...claim } = isObject(gm) ? gm : {};
  if (typeof claim.profile === "string" && claim.profile !== gmProfile) return { refused: "profile" };
  const { from, previous, profile, sm3, to } = claim;
  const texts = [from, previous, profile, sm3, to, signature];
  const isClaim = Object.keys(claim).length === 5 && texts.every((text) => typeof text === "string");
  if (!isClaim || hashIn(previous) === undefined || hashIn(sm3) === undefined) return { refused: "malformed" };
  const bytes = Buffer.from(String(signature), "base64");
  if (bytes.toString("base64") !== signature) return { refused: "malformed" };
  return { claim: claim as unknown as GmClaim, signature: bytes };
}

function hashIn(text: Json | undefined): Buffer | undefined {
  const bytes = typeof text === "string" ? fromBase64url(text) : undefined;
  return bytes?.length === 32 ? bytes : undefined;
}

/** Goes along a chain, event by event in order, and judges what is signed with SM2. */
export interface GmWalk {
  /** Takes an epoch event; undefined for one whose own signature does not hold. Gives what is wrong with its key. */
  epoch(sequence: number, brought: GmBrought | "none" | undefined): GmReason | undefined;
  /** Takes a checkpoint whose own signature holds, before it is an event of the next span. Gives what is wrong. */
  checkpoint(sequence: number, told: GmTold | undefined): GmReason | undefined;
  /**
   * Takes an event by the SM3 of its bytes: undefined where nobody can know it, as of a view; "untold" where the mark of
   * an erased one had to tell it. Gives what is wrong.
   */
  take(digest: Buffer | "untold" | undefined): GmReason | undefined;
  /** Events are missing, or a checkpoint cannot be believed: the chain is taken up again behind the next one. */
  lose(): void;
  /** Undefined where no epoch brought a key. */
  counts(): GmCounts | undefined;
}

/**
 * Judges the SM2 signatures of one chain.
 *
 * A span of which an event is missing, or there as a view, cannot be computed again: then the signature alone counts.
 * Cost:    3 ms a checkpoint.
 */
export function createGmWalk(place: GmPlace): GmWalk {
  let standing: "none" | "gm" | "unknown" = "unknown";
  let check: GmCheck | undefined;
  let span: GmSpan | undefined;
  let isNational = false;
  const counts = { signedCount: 0, provenCount: 0 };
  const lose = (): void => {
    span = undefined;
  };

  function judge(sequence: number, { claim, signature }: Extract<GmTold, { claim: GmClaim }>): GmReason | undefined {
    if (check === undefined) return undefined;
    if (!check(gmStatement(place, claim), signature)) return "signature";
    counts.signedCount += 1;
    if (claim.to !== String(sequence - 1)) return "chain";
    if (span === undefined) return undefined;
    const seen = gmClaimOf(span, sequence - 1);
    if (claim.from !== seen.from || claim.previous !== seen.previous || claim.sm3 !== seen.sm3) return "chain";
    counts.provenCount += 1;
    return undefined;
  }

  return {
    epoch(sequence, brought) {
      standing = brought === undefined ? "unknown" : brought === "none" ? "none" : "gm";
      check = undefined;
      if (brought === undefined || brought === "none") {
        lose();
        return undefined;
      }
      isNational = true;
      if (brought.isStart) span = gmSpanAt(sequence);
      if (brought.key === undefined) return "profile";
      check = gmCheckOf(brought.key);
      return check === undefined ? "key" : undefined;
    },
    checkpoint(sequence, told) {
      if (standing === "none") return told === undefined ? undefined : "key";
      const known = standing === "gm" ? told : undefined;
      if (known === undefined || "refused" in known) {
        lose();
        return standing === "gm" ? (known?.refused ?? "absent") : undefined;
      }
      const reason = judge(sequence, known);
      // What nobody signed is no word to go on from.
      const value = check === undefined || reason === "signature" ? span?.value : hashIn(known.claim.sm3);
      span = value && gmSpanAt(sequence, value);
      return reason;
    },
    take(digest) {
      if (digest !== "untold") span = span && digest && gmSpanWith(span, digest);
      else lose();
      return digest === "untold" && standing === "gm" ? "mark" : undefined;
    },
    lose,
    counts: () => (isNational ? { ...counts } : undefined),
  };
}

/** SM3 of events by their row, kept outside of the heap. Cost: 4 µs and 32 bytes an event, in chunks of 256 KiB. */
export interface GmDigests {
  /** Takes the data of an event: before one speaks of SM2 nothing is kept, for nothing could be proven by it. */
  learn(data: Json): void;
  /** The same, and takes the event's bytes for a row. */
  take(index: number, bytes: Uint8Array, data: Json): void;
  /** Takes what the mark of an erased event tells. */
  takeTold(index: number, digest: Uint8Array): void;
  /** Undefined where none is kept. */
  of(index: number): Buffer | undefined;
}

const chunkCount = 8_192;
const hashBytes = 32;
const unset = Buffer.alloc(hashBytes);

export function createGmDigests(): GmDigests {
  const chunks = new Map<number, Buffer>();
  const offsetOf = (index: number): number => (index % chunkCount) * hashBytes;
  let isWanted = false;
  const learn = (data: Json): void => {
    isWanted ||= isObject(data) && data.gm !== undefined;
  };
  const keep = (index: number, digest: Uint8Array): void => {
    const number = Math.floor(index / chunkCount);
    const chunk = chunks.get(number) ?? Buffer.alloc(chunkCount * hashBytes);
    chunks.set(number, chunk);
    chunk.set(digest, offsetOf(index));
  };
  return {
    learn,
    take(index, bytes, data) {
      learn(data);
      if (isWanted) keep(index, sm3(bytes));
    },
    takeTold(index, digest) {
      if (isWanted) keep(index, digest);
    },
    of(index) {
      const at = offsetOf(index);
      const digest = chunks.get(Math.floor(index / chunkCount))?.subarray(at, at + hashBytes);
      return digest?.equals(unset) === false ? digest : undefined;
    },
  };
}
