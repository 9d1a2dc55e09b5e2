import type { DiscardReason, FrameSink, Profile } from "../../../src/driver/port.ts";
import { latin1 } from "../../../src/lib/bytes.ts";
import type { Claim } from "../../../src/model/read.ts";

/** A claim in a form that can be compared and written down: the code as text instead of as a stretch of bytes. */
export type PlainClaim = { readonly [member: string]: string | number };

export interface Replayed {
  readonly claims: PlainClaim[];
  readonly discarded: Partial<Record<DiscardReason, number>>;
}

/** What a profile makes of a stream that arrives in these portions. */
export function replay(profile: Profile, portions: readonly Uint8Array[]): Replayed {
  const claims: PlainClaim[] = [];
  const discarded: Partial<Record<DiscardReason, number>> = {};
  const sink: FrameSink = {
    frame: (bytes, start, end) => profile.decodeFrame?.(bytes, start, end, (claim) => claims.push(plain(claim))),
    discarded: (reason, byteCount) => {
      discarded[reason] = (discarded[reason] ?? 0) + byteCount;
    },
  };
  for (const portion of portions) {
    const own = Uint8Array.from(portion);
    profile.framer?.push(own, sink);
    own.fill(0xee);
  }
  profile.framer?.reset(sink);
  return { claims, discarded };
}

/** What a profile makes of one frame. */
export function decode(profile: Profile, frame: string): PlainClaim[] {
  const claims: PlainClaim[] = [];
  // Set off from the beginning, so that a decoder that takes the buffer for the frame is found out.
  const bytes = Buffer.from(`]Q3${frame},9=\xff`, "latin1");
  profile.decodeFrame?.(bytes, 3, 3 + frame.length, (claim) => claims.push(plain(claim)));
  return claims;
}

function plain(claim: Claim): PlainClaim {
  if (claim.kind !== "read") return { ...claim };
  const { bytes, start, end, ...rest } = claim;
  const known = Object.entries(rest).filter((entry) => entry[1] !== undefined);
  return { ...Object.fromEntries(known), code: latin1(bytes, start, end) };
}
