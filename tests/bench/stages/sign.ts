import { createSigningPair } from "../../../src/seal/ed25519.ts";
import { createEpochKey, createSealer } from "../../../src/seal/index.ts";
import { aDraft, type Cost, eventBytes, timed } from "./fixtures.ts";

const count = 20_000;

/** Nothing but the signatures, made as the product makes them. */
export async function bareSign(): Promise<Cost> {
  const { sign } = createSigningPair();
  const bytes = Buffer.alloc(eventBytes, "x");
  const once = (): void => {
    for (let n = 0; n < count; n += 1) sign(bytes);
  };
  once();
  return timed(count, once);
}

/** The seal stage: canonical bytes, signature, chain, Merkle log. */
export async function seal(): Promise<Cost> {
  const sealer = createSealer({ chain: "0123456789ab", gateway: "line-1", site: "BENCH" });
  sealer.useKey(createEpochKey());
  const drafts = Array.from({ length: count }, (_, n) => aDraft(n));
  const once = (): void => {
    for (const draft of drafts) sealer.seal(draft);
  };
  once();
  return timed(count, once);
}
