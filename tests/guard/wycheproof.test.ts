import {
  createCipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  type JsonWebKey,
  publicEncrypt,
  randomBytes,
} from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { suiteOf } from "../../src/guard/suites/index.ts";

const intl = suiteOf("intl");
const gm = suiteOf("gm");

function vectorsOf<Vectors>(file: string): Vectors {
  return JSON.parse(readFileSync(join(import.meta.dirname, "../vectors/wycheproof", file), "utf8")) as Vectors;
}

const hex = (text: string): Buffer => Buffer.from(text, "hex");
const base64url = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString("base64url");

interface Named {
  readonly tcId: number;
  readonly comment?: string;
  readonly result: "valid" | "invalid" | "acceptable";
}

interface Aead extends Named {
  readonly key: string;
  readonly iv: string;
  readonly aad: string;
  readonly msg: string;
  readonly ct: string;
  readonly tag: string;
}

function aeads(): Aead[] {
  const { tests, modifiedTags } = vectorsOf<{
    tests: Aead[];
    modifiedTags: Omit<Aead, "tag" | "tcId"> & { tags: { tcId: number; comment: string; tag: string }[] };
  }>("aes-gcm-256.json");
  const named = tests.map((one) => ({ comment: "pseudorandom", ...one }));
  return [...named, ...modifiedTags.tags.map((one) => ({ ...modifiedTags, ...one }))];
}

describe("R08 by the vectors of Wycheproof, what is sealed with AES-256-GCM", () => {
  it.each(aeads())("$tcId is $result: $comment", ({ key, iv, aad, msg, ct, tag, result }) => {
    // Our context is text; the vectors have bytes there that are none.
    const context = hex(aad) as unknown as string;
    const open = () => intl.open(hex(key), hex(iv), context, hex(ct + tag)).toString("hex");
    if (result === "invalid") return expect(open).toThrow();
    expect(open()).toBe(msg);
    expect(intl.seal(hex(key), hex(iv), context, hex(msg)).toString("hex")).toBe(ct + tag);
  });
});

describe("R08 what is sealed", () => {
  it.each(["intl", "gm"] as const)("with %s opens with no bit changed, and with nothing cut off or added", (name) => {
    const suite = suiteOf(name);
    const [secret, nonce, context] = [randomBytes(32), randomBytes(suite.nonceBytes), "k 9f0c3a1e-42"];
    const sealed = suite.seal(secret, nonce, context, Buffer.from("张伟 13812345678"));
    expect(suite.open(secret, nonce, context, sealed).toString()).toBe("张伟 13812345678");
    const flipped = (bytes: Buffer, bit: number): Buffer => {
      const other = Buffer.from(bytes);
      other[bit >> 3]! ^= 1 << (bit & 7);
      return other;
    };
    const refused = (...[a, b, c, d]: [Buffer, Buffer, string, Buffer]) =>
      expect(() => suite.open(a, b, c, d)).toThrow();
    for (let bit = 0; bit < sealed.length * 8; bit += 1) refused(secret, nonce, context, flipped(sealed, bit));
    for (let bit = 0; bit < nonce.length * 8; bit += 1) refused(secret, flipped(nonce, bit), context, sealed);
    for (let bit = 0; bit < secret.length * 8; bit += 1) refused(flipped(secret, bit), nonce, context, sealed);
    for (let bit = 0; bit < context.length * 8; bit += 1)
      refused(secret, nonce, flipped(Buffer.from(context), bit).toString("latin1"), sealed);
    for (let length = 0; length < sealed.length; length += 1)
      refused(secret, nonce, context, sealed.subarray(0, length));
    refused(secret, nonce, context, Buffer.concat([sealed, Buffer.of(0)]));
  });
});

interface Mac extends Named {
  readonly key: string;
  readonly msg: string;
  readonly tag: string;
}

describe("R08 by the vectors of Wycheproof, HMAC-SM3 under tokens", () => {
  it.each(vectorsOf<{ tests: Mac[] }>("hmac-sm3-256.json").tests)("$tcId is $result", ({ key, msg, tag, result }) => {
    const bytes = hex(msg);
    // Wherever the class ends and the code begins.
    for (let at = 0; at <= bytes.length; at += 1) {
      const mac = gm.mac(hex(key), bytes.subarray(0, at), bytes.subarray(at)).toString("hex");
      expect(mac === tag).toBe(result === "valid");
    }
  });
});

const pem = (key: JsonWebKey): Buffer =>
  Buffer.from(createPrivateKey({ key, format: "jwk" }).export({ type: "pkcs8", format: "pem" }));

/** A JWE that hides 32 bytes behind a content key and what holds that key. Source: RFC 7516 §5.1. */
function jweOf(header: object, encryptedKey: Buffer, contentKey: Buffer, content: Buffer): string {
  const head = base64url(JSON.stringify({ ...header, enc: "A256GCM", kid: "k" }));
  const iv = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", contentKey, iv).setAAD(Buffer.from(head));
  const text = Buffer.concat([cipher.update(content), cipher.final()]);
  return [head, ...[encryptedKey, iv, text, cipher.getAuthTag()].map(base64url)].join(".");
}

interface Agreement extends Named {
  readonly public: JsonWebKey;
  readonly private: JsonWebKey;
  readonly shared: string;
}

const algorithm = "ECDH-ES+A256KW";

/** The same for a point and the secret that is shared with its holder. Source: RFC 7518 §4.6.2, RFC 3394. */
function agreedJwe(point: JsonWebKey, shared: Buffer, content: Buffer): string {
  const number = (value: number): Buffer => Buffer.from([0, 0, 0, value]);
  const parts = [number(1), shared, number(algorithm.length), Buffer.from(algorithm), number(0), number(0)];
  const bits = Buffer.from([0, 0, 1, 0]);
  const wrapping = createHash("sha256")
    .update(Buffer.concat([...parts, bits]))
    .digest();
  const contentKey = randomBytes(32);
  const wrap = createCipheriv("id-aes256-wrap", wrapping, Buffer.alloc(8, 0xa6));
  const encryptedKey = Buffer.concat([wrap.update(contentKey), wrap.final()]);
  return jweOf({ alg: algorithm, epk: point }, encryptedKey, contentKey, content);
}

const secret = Buffer.alloc(32, 7);
const unwrapped = async (key: JsonWebKey, jwe: string): Promise<Buffer> =>
  Buffer.from(await intl.unwrap(pem(key), jwe, "k"));

describe("R08 by the vectors of Wycheproof, a wrapped key", () => {
  it.each([
    ...vectorsOf<{ tests: Agreement[] }>("ecdh-p256.json").tests,
    ...vectorsOf<{ tests: Agreement[] }>("x25519.json").tests,
  ])("for $public.crv $tcId is $result: $comment", async ({ public: point, private: key, shared, result }) => {
    const isZero = /^0+$/.test(shared);
    // RFC 7748 §6.1 lets us choose for X25519: a secret that everybody knows is none.
    if (result === "valid" || (result === "acceptable" && !isZero)) {
      expect(await unwrapped(key, agreedJwe(point, hex(shared), secret))).toEqual(secret);
      const other = hex(shared);
      other[31]! ^= 1;
      return expect(unwrapped(key, agreedJwe(point, other, secret))).rejects.toThrow();
    }
    // What whoever made such a point up could guess: nothing, or the point's own coordinate.
    for (const guess of [Buffer.alloc(32), Buffer.from(point.x!, "base64url")])
      await expect(unwrapped(key, agreedJwe(point, guess, secret))).rejects.toThrow();
  });

  const jwes = vectorsOf<{ private: JsonWebKey; tests: (Named & { pt: string; enc: string; jwe: string })[] }>(
    "json-web-encryption.json",
  );
  it.each(jwes.tests)("as JWE $tcId: $comment", async ({ jwe, enc, pt, result }) => {
    // They name no key: so they are taken for none that has a name.
    await expect(intl.unwrap(pem(jwes.private), jwe, "k")).rejects.toThrow();
    const unnamed = () => intl.unwrap(pem(jwes.private), jwe, undefined as unknown as string);
    // What is valid, but of an algorithm that we do not write, is not taken either.
    if (result !== "valid" || enc !== "A256GCM") return expect(unnamed()).rejects.toThrow();
    expect(Buffer.from(await unnamed()).toString("hex")).toBe(pt);
    const [head, , ...rest] = jwe.split(".");
    await expect(intl.unwrap(pem(jwes.private), [head, "", ...rest].join("."), undefined as never)).rejects.toThrow();
  });

  const rsa = vectorsOf<{ private: JsonWebKey; tests: (Named & { msg: string; ct: string })[] }>("rsa-oaep-2048.json");
  it.each(rsa.tests)("by RSA-OAEP-256 $tcId, of which a key has 32 bytes", async ({ msg, ct }) => {
    const header = { alg: "RSA-OAEP-256" };
    const contentKey = Buffer.concat([hex(msg), Buffer.alloc(32)]).subarray(0, 32);
    const whole = unwrapped(rsa.private, jweOf(header, hex(ct), contentKey, secret));
    if (msg.length !== 64) return expect(whole).rejects.toThrow();
    expect(await whole).toEqual(secret);
    for (const at of [0, 128, 255]) {
      const other = hex(ct);
      other[at]! ^= 1;
      await expect(unwrapped(rsa.private, jweOf(header, other, contentKey, secret))).rejects.toThrow();
    }
  });

  it("by RSA with another digest than SHA-256 is not taken, however well it fits", async () => {
    const key = createPublicKey({ key: rsa.private, format: "jwk" });
    for (const [alg, oaepHash] of [
      ["RSA-OAEP", "sha1"],
      ["RSA-OAEP-512", "sha512"],
    ] as const) {
      const jwe = jweOf({ alg }, publicEncrypt({ key, oaepHash }, secret), secret, secret);
      await expect(unwrapped(rsa.private, jwe), alg).rejects.toThrow();
    }
  });
});
