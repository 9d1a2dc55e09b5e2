import { generateKeyPairSync } from "node:crypto";
import { CompactSign } from "jose";
import { describe, expect, it } from "vitest";
import { provenByCentre, signAsCentre } from "../../src/guard/policy/index.ts";
import { aCentre } from "../fakes/policy.ts";

const policy = { version: 7, site: "HZ01", guard: { core: "drop" } };
const text = JSON.stringify(policy);

/** What is said of a file and a key: the reason why not, or what was signed. */
async function said(file: string | Uint8Array, publicKey: Buffer): Promise<string> {
  const proven = await provenByCentre("policy", Buffer.from(file), publicKey);
  return "refused" in proven ? proven.refused.reason : Buffer.from(proven.payload).toString();
}

describe("R41 a policy that the centre signed", () => {
  it.each(["Ed25519", "P-256", "RSA"] as const)("is proven by its public key alone (%s)", async (kind) => {
    const centre = aCentre(kind);
    const token = await centre.sign(text);
    expect(await said(`${token}\n`, centre.publicKey)).toBe(text);
    expect(await said(token, aCentre(kind).publicKey)).toBe("signature");
    for (const other of ["Ed25519", "P-256", "RSA"] as const)
      if (other !== kind) expect(await said(token, aCentre(other).publicKey)).toBe("signature");
  });

  it("names both keys where it says that it is signed with another one", async () => {
    const centre = aCentre();
    const proven = await provenByCentre("policy", Buffer.from(await centre.sign(text)), aCentre().publicKey);
    expect("refused" in proven && proven.refused.sentence).toMatch(
      /^the policy says that it is signed with the key (?:[0-9a-f]{4} ?){4}, and policy_key_file is (?:[0-9a-f]{4} ?){4}$/,
    );
  });

  it("is refused with any bit changed, and never thrown at", async () => {
    const centre = aCentre();
    const token = Buffer.from(await centre.sign(text));
    for (let at = 0; at < token.length; at += 1)
      for (const bit of [1, 4, 32, 128]) {
        const changed = Buffer.from(token);
        changed[at] = changed[at]! ^ bit;
        const reason = await said(changed, centre.publicKey);
        expect(["unsigned", "signature"], `${at} ${bit}`).toContain(reason);
      }
    for (let length = 0; length < token.length; length += 1)
      expect(["unsigned", "signature"], String(length)).toContain(
        await said(token.subarray(0, length), centre.publicKey),
      );
  });

  it("has one signature of P-256 where it is an order: the other, which anybody can write, is refused", async () => {
    const centre = aCentre("P-256");
    const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const sOf = (token: string): bigint =>
      BigInt(`0x${Buffer.from(token.split(".")[2]!, "base64url").toString("hex", 32)}`);
    for (let count = 0; count < 16; count += 1) {
      const token = (await signAsCentre("order", Buffer.from(text), centre.privateKey))!;
      expect(2n * sOf(token) <= n).toBe(true);
      const signature = Buffer.from(token.split(".")[2]!, "base64url");
      signature.write((n - sOf(token)).toString(16).padStart(64, "0"), 32, "hex");
      const twin = token.split(".").with(2, signature.toString("base64url")).join(".");
      expect(await provenByCentre("order", Buffer.from(token), centre.publicKey)).toHaveProperty("payload");
      expect(await provenByCentre("order", Buffer.from(twin), centre.publicKey)).toMatchObject({
        refused: { reason: "signature", sentence: expect.stringContaining("the one whose s is the lower") },
      });
    }
  });

  it("has one spelling: the bits of a last character that say nothing are those that were signed", async () => {
    const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const centre = aCentre();
    // 64 bytes of a signature leave four such bits; the payload's length leaves two.
    const parts = (await centre.sign('{"version":7,"site":"HZ01","guard":{}}')).split(".");
    for (const part of [1, 2]) {
      const last = letters.indexOf(parts[part]!.at(-1)!);
      const spellings = [1, 2, 3].map((bits) => parts[part]!.slice(0, -1) + letters[last ^ bits]);
      for (const spelling of spellings) {
        const token = parts.with(part, spelling).join(".");
        expect(Buffer.from(spelling, "base64url").equals(Buffer.from(parts[part]!, "base64url"))).toBe(true);
        expect(await said(token, centre.publicKey)).toBe("unsigned");
      }
    }
  });

  it("is no unsigned text, no signature of something else, and none by an algorithm that is not listed", async () => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
    const pem = Buffer.from(publicKey.export({ type: "spki", format: "pem" }));
    const signed = (header: object): Promise<string> =>
      new CompactSign(Buffer.from(text)).setProtectedHeader(header as { alg: string }).sign(privateKey);
    const typ = "sortgate-policy+jws";
    expect(await said(await signed({ alg: "PS256", typ }), pem)).toBe(text);
    expect(await said(await signed({ alg: "PS256" }), pem)).toBe("unsigned");
    expect(await said(await signed({ alg: "PS256", typ: "sortgate-event+jws" }), pem)).toBe("unsigned");
    expect(await said(await signed({ alg: "PS256", typ, jku: "https://a" }), pem)).toBe("unsigned");
    for (const alg of ["RS256", "PS512"]) expect(await said(await signed({ alg, typ }), pem), alg).toBe("signature");
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    expect(await said(`${part({ alg: "none", typ })}.${part(policy)}.`, pem)).toBe("unsigned");
    // The public key as the secret of a MAC: what a careless verifier takes.
    const mac = await new CompactSign(Buffer.from(text)).setProtectedHeader({ alg: "HS256", typ }).sign(pem);
    expect(await said(mac, pem)).toBe("signature");
    for (const nothing of ["", text, "a.b", "..", "null.null.null", `${part(null)}.${part(policy)}.AA`])
      expect(await said(nothing, pem), nothing).toBe("unsigned");
  });

  it("EdDSA is the older name of Ed25519, and taken too", async () => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const header = { alg: "EdDSA", typ: "sortgate-policy+jws" };
    const token = await new CompactSign(Buffer.from(text)).setProtectedHeader(header).sign(privateKey);
    expect(await said(token, Buffer.from(publicKey.export({ type: "spki", format: "pem" })))).toBe(text);
  });

  it("is not proven by a private key on the box, a weak key, or a text that is none", async () => {
    const centre = aCentre();
    const token = await centre.sign(text);
    expect(await said(token, centre.privateKey)).toBe("key");
    const weak = generateKeyPairSync("rsa", { modulusLength: 1_024 }).publicKey;
    expect(await said(token, Buffer.from(weak.export({ type: "spki", format: "pem" })))).toBe("key");
    const other = generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey;
    expect(await said(token, Buffer.from(other.export({ type: "spki", format: "pem" })))).toBe("key");
    for (const nothing of ["", "hello", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
      expect(await said(token, Buffer.from(nothing)), nothing).toBe("key");
  });

  it("is not proven while the file of the key holds another one too: nobody need guess which of them counts", async () => {
    const [centre, other] = [aCentre(), aCentre("P-256")];
    const token = await centre.sign(text);
    for (const two of [
      [centre.publicKey, other.publicKey],
      [other.publicKey, centre.publicKey],
    ]) {
      const proven = await provenByCentre("policy", Buffer.from(token), Buffer.concat(two));
      expect(proven).toMatchObject({
        refused: {
          reason: "key",
          key: "policy_key_file",
          sentence: "the file holds 2 different public keys; allowed: one",
        },
      });
    }
    expect(await said(token, Buffer.concat([centre.publicKey, centre.publicKey]))).toBe(text);
  });
});
