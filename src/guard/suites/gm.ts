import { createCipheriv, createDecipheriv, createHmac, createPrivateKey, hkdfSync, timingSafeEqual } from "node:crypto";
import { receiverOf, type Suite } from "./suite.ts";

const tagBytes = 32;
const pointBytes = 65;
const secretBytes = 32;

/** The object identifier of the SM2 curve, 1.2.156.10197.1.301, in DER. */
const curve = Buffer.from("06082a811ccf5501822d", "hex");

/**
 * The national algorithms of China: HMAC-SM3, SM4 in counter mode with HMAC-SM3 over the ciphertext, SM2 envelopes.
 *
 * SM3 and SM4 are Node's own; SM4-GCM it has none, so that the two are put together, each with a key of its own by HKDF.
 * SM2 is that of sm-crypto-v2, for Node's knows no encryption and generates keys of another algorithm under that name.
 * None of it is a certified product.
 * Source:  GB/T 32905, 32907, 32918.4; RFC 5869.
 */
export const gmSuite: Suite = {
  tokenMark: "t2",
  mac: (secret, classMark, code) => createHmac("sm3", secret).update(classMark).update(code).digest(),
  contentAlgorithm: "SM4-CTR+HMAC-SM3",
  nonceBytes: 16,
  seal(secret, nonce, context, content) {
    const cipher = createCipheriv("sm4-ctr", derived(secret, "SM4", 16), nonce);
    const text = Buffer.concat([cipher.update(content), cipher.final()]);
    return Buffer.concat([text, tagOf(secret, nonce, context, text)]);
  },
  open(secret, nonce, context, sealed) {
    const text = sealed.subarray(0, -tagBytes);
    const tag = Buffer.from(sealed.subarray(-tagBytes));
    if (tag.length !== tagBytes || !timingSafeEqual(tag, tagOf(secret, nonce, context, text)))
      throw new Error("it was changed");
    const decipher = createDecipheriv("sm4-ctr", derived(secret, "SM4", 16), nonce);
    return Buffer.concat([decipher.update(text), decipher.final()]);
  },
  async wrap(publicKey, secret) {
    const point = pointOf(publicKey);
    const { sm2 } = await import("sm-crypto-v2");
    // 1: C1C3C2, the order of GB/T 32918.4; as ASN.1, which OpenSSL reads.
    return Buffer.from(sm2.doEncrypt(Uint8Array.from(secret), point, 1, { asn1: true }), "hex").toString("base64url");
  },
  async unwrap(privateKey, wrapped) {
    const { sm2 } = await import("sm-crypto-v2");
    const bytes = Buffer.from(wrapped, "base64url").toString("hex");
    // For what was changed the library gives nothing instead of failing.
    const secret = sm2.doDecrypt(bytes, scalarOf(privateKey), 1, { asn1: true, output: "array" });
    if (secret.length !== secretBytes) throw new Error("it was wrapped for another key, or changed");
    return secret;
  },
};

function derived(secret: Uint8Array, purpose: string, byteCount: number): Buffer {
  return Buffer.from(hkdfSync("sm3", secret, "", `sortgate ${purpose}`, byteCount));
}

/** Over the context and its length too: no byte can move from one part to the next. */
function tagOf(secret: Uint8Array, nonce: Uint8Array, context: string, text: Uint8Array): Buffer {
  const bytes = Buffer.from(context);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return createHmac("sm3", derived(secret, "HMAC", 32))
    .update(length)
    .update(bytes)
    .update(nonce)
    .update(text)
    .digest();
}

/** The point of a public key, uncompressed, in hex. Fails: if it is none of the SM2 curve. */
function pointOf(pem: Buffer): string {
  const der = receiverOf(pem).export({ type: "spki", format: "der" });
  if (!der.includes(curve) || der.at(-pointBytes) !== 4) throw new Error("it is no SM2 key");
  return der.subarray(-pointBytes).toString("hex");
}

/** The number of a private key, in hex: the only string of 32 bytes behind a version of 1 (RFC 5915). */
function scalarOf(pem: Buffer): string {
  const der = createPrivateKey(pem).export({ type: "pkcs8", format: "der" });
  const start = der.indexOf(Buffer.from("0201010420", "hex"));
  if (!der.includes(curve) || start < 0) throw new Error("it is no SM2 key");
  return der.subarray(start + 5, start + 5 + secretBytes).toString("hex");
}
