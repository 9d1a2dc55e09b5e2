import { createCipheriv, createDecipheriv, createHmac, createPrivateKey, type KeyObject } from "node:crypto";
import { receiverOf, type Suite } from "./suite.ts";

const tagBytes = 16;

/** HMAC-SHA256, AES-256-GCM, and JWE by RSA-OAEP-256 or ECDH-ES+A256KW (RFC 7516, 7518). */
export const intlSuite: Suite = {
  tokenMark: "t1",
  mac: (secret, classMark, code) => createHmac("sha256", secret).update(classMark).update(code).digest(),
  contentAlgorithm: "A256GCM",
  nonceBytes: 12,
  seal(secret, nonce, context, content) {
    const cipher = createCipheriv("aes-256-gcm", secret, nonce).setAAD(Buffer.from(context));
    return Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()]);
  },
  open(secret, nonce, context, sealed) {
    const decipher = createDecipheriv("aes-256-gcm", secret, nonce, { authTagLength: tagBytes })
      .setAAD(Buffer.from(context))
      .setAuthTag(sealed.subarray(-tagBytes));
    return Buffer.concat([decipher.update(sealed.subarray(0, -tagBytes)), decipher.final()]);
  },
  async wrap(publicKey, secret, id) {
    const key = receiverOf(publicKey);
    // The library is loaded here: few sites seal.
    const { CompactEncrypt } = await import("jose");
    const header = { alg: wrapOf(key), enc: "A256GCM", kid: id, typ: "sortgate-seal+jwe" };
    return new CompactEncrypt(secret).setProtectedHeader(header).encrypt(key);
  },
  async unwrap(privateKey, wrapped, id) {
    const { compactDecrypt } = await import("jose");
    const { plaintext, protectedHeader } = await compactDecrypt(wrapped, createPrivateKey(privateKey), {
      keyManagementAlgorithms: ["RSA-OAEP-256", "ECDH-ES+A256KW"],
      contentEncryptionAlgorithms: ["A256GCM"],
    });
    if (protectedHeader.kid !== id) throw new Error("it is the key of another name");
    return plaintext;
  },
};

/** The algorithm of RFC 7518 that wraps for a key; fails for keys that cannot receive. */
function wrapOf({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): string {
  if (type === "rsa" && (details?.modulusLength ?? 0) >= 2_048) return "RSA-OAEP-256";
  if (type === "x25519" || (type === "ec" && details?.namedCurve === "prime256v1")) return "ECDH-ES+A256KW";
  throw new Error("it is no RSA key of 2,048 bits or more, and none of P-256 or X25519");
}
