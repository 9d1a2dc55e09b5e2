import { verifyEvent } from "../jws.ts";
import { type CapturedEvent, payloadAt, readLine } from "./captured.ts";
import { epochKeyOf } from "./endorsement.ts";
import { createKeyRing } from "./keyring.ts";
import type { Rows, Standing } from "./rows.ts";
import type { StandIn } from "./stand-in.ts";

/** Judges signatures, each taken alone, as soon as their keys are known. */
export interface Signatures {
  /** Keeps no more events whose key is not known: all keys were learned before. */
  keepNone(): void;
  /** Takes in the key that an epoch event brings, and judges what waited for it. Gives its number; 0 if it brings none. */
  learn(event: CapturedEvent): number;
  /** Judges the event that becomes row `index`. */
  judge(signed: Signed, index: number, line: string): { readonly standing: Standing; readonly key: number };
  /** Finds out, for rows of one chain in order, whether their signature was made for another sequence. */
  movedIn(order: Uint32Array): (index: number) => boolean;
}

/** What a signature was made over: an event, or a view of one. */
export type Signed = CapturedEvent | NonNullable<StandIn["signed"]>;

/** Events with a bad signature that are kept whole, to find out whether they were signed for another sequence. */
const suspectsMax = 256;
/** Other sequences that are tried for one of them. */
const attemptsMax = 16;

export function createSignatures(rows: Rows): Signatures {
  const keys = createKeyRing();
  const waiting = new Map<string, { readonly index: number; readonly line: string }[]>();
  const suspects = new Map<number, CapturedEvent>();
  let keeps = true;

  const standingOf = (signed: Signed, index: number, line: string): Standing => {
    const { signature } = signed;
    if (signature.kind === "refused") return "refused";
    if (signature.kind === "malformed") return "bad";
    const key = keys.find(signature.kid);
    if (key === undefined) {
      const list = waiting.get(signature.kid) ?? [];
      if (keeps) waiting.set(signature.kid, list).get(signature.kid)?.push({ index, line });
      return "no-key";
    }
    if (verifyEvent(signed.payload, signature.header, signature.bytes, key)) return "good";
    if ("members" in signed && suspects.size < suspectsMax) suspects.set(index, signed);
    return "bad";
  };

  const isSignedAt = (event: CapturedEvent, sequence: number): boolean => {
    if (event.signature.kind !== "ed25519" || sequence === event.sequence) return false;
    const key = keys.find(event.signature.kid);
    if (key === undefined) return false;
    return verifyEvent(payloadAt(event, sequence), event.signature.header, event.signature.bytes, key);
  };

  return {
    keepNone() {
      keeps = false;
    },
    learn(event) {
      const key = epochKeyOf(event.data);
      if (key === undefined) return 0;
      const kid = keys.add(key.jwk);
      const list = waiting.get(kid) ?? [];
      waiting.delete(kid);
      for (const { index, line } of list) {
        const again = readLine(line);
        const signed =
          again.kind === "event" ? again.event : again.kind === "stand-in" ? again.standIn.signed : undefined;
        if (signed !== undefined) rows.setStanding(index, standingOf(signed, index, line));
      }
      return keys.numberOf(kid);
    },
    judge(signed, index, line) {
      const key = signed.signature.kind === "ed25519" ? keys.numberOf(signed.signature.kid) : 0;
      return { standing: standingOf(signed, index, line), key };
    },
    movedIn(order) {
      const placesOf = createPlaces(order, rows, suspects);
      return (index) => {
        const event = suspects.get(index);
        return event !== undefined && placesOf(event).some((sequence) => isSignedAt(event, sequence));
      };
    },
  };
}

/** Where a suspect may have come from: behind the event that it links to, or where another suspect stands now. */
function createPlaces(
  order: Uint32Array,
  rows: Rows,
  suspects: ReadonlyMap<number, CapturedEvent>,
): (event: CapturedEvent) => number[] {
  const first = order[0];
  const own = [...suspects].filter(([index]) => first !== undefined && rows.chainOf(index) === rows.chainOf(first));
  const behind = new Map<string, number>();
  if (own.length > 0) {
    const wanted = new Set(own.map(([, event]) => event.previous.toString("base64")));
    for (const index of order) {
      const hash = rows.row(index).hash.toString("base64");
      if (wanted.has(hash)) behind.set(hash, rows.sequenceOf(index) + 1);
    }
  }
  const sequences = own.map(([, event]) => event.sequence);
  return ({ previous, sequence }) => {
    const near = [...sequences].sort((a, b) => Math.abs(a - sequence) - Math.abs(b - sequence)).slice(0, attemptsMax);
    const linked = behind.get(previous.toString("base64"));
    return linked === undefined ? near : [linked, ...near];
  };
}
