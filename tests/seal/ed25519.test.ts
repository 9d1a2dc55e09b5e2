import { createPublicKey, verify } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createNodePair, createSigningPair, createSodiumPair, type SigningPair } from "../../src/seal/ed25519.ts";

function isSignedBy({ x }: SigningPair, bytes: Uint8Array, signature: Uint8Array): boolean {
  return verify(null, bytes, createPublicKey({ key: { crv: "Ed25519", kty: "OKP", x }, format: "jwk" }), signature);
}

const makers: readonly [string, () => SigningPair | undefined][] = [
  ["libsodium", createSodiumPair],
  ["OpenSSL", createNodePair],
  ["whichever is faster", createSigningPair],
];

describe.each(makers)("an Ed25519 pair of %s", (_, make) => {
  it("makes signatures that OpenSSL verifies, over nothing as over much", () => {
    const pair = make()!;
    for (const size of [0, 1, 500, 100_000]) {
      const bytes = Buffer.alloc(size, "x");
      const signature = Buffer.from(pair.sign(bytes));
      expect(signature.length).toBe(64);
      expect(isSignedBy(pair, bytes, signature)).toBe(true);
      expect(isSignedBy(pair, Buffer.from(`${bytes}y`), signature)).toBe(false);
    }
  });

  it("is drawn anew each time, and does not sign for another", () => {
    const [one, other] = [make()!, make()!];
    const bytes = Buffer.from("event");
    expect(one.x).not.toBe(other.x);
    expect(isSignedBy(other, bytes, one.sign(bytes))).toBe(false);
  });
});
