import { createPublicKey, type KeyObject } from "node:crypto";
import { publicKeyCount } from "../../lib/public-keys.ts";

/** The algorithms of a profile: for tokens, for what is sealed, and for the key that it is sealed with. */
export interface Suite {
  /** Begins each token, so that whoever gets one knows how it was made. */
  readonly tokenMark: "t1" | "t2";
  /** A keyed digest of 32 bytes. */
  mac(secret: Uint8Array, classMark: Uint8Array, code: Uint8Array): Buffer;
  /** Stands beside what is sealed. */
  readonly contentAlgorithm: string;
  readonly nonceBytes: number;
  /** Encrypts and authenticates; `context` is authenticated too. The secret has 32 bytes. */
  seal(secret: Uint8Array, nonce: Uint8Array, context: string, content: Uint8Array): Buffer;
  /** Fails: if anything was changed. */
  open(secret: Uint8Array, nonce: Uint8Array, context: string, sealed: Uint8Array): Buffer;
  /**
   * Wraps a secret for the holder of a private key.
   *
   * Takes:   `publicKey` as PEM.
   * Fails:   with a sentence if the key is none that can receive.
   */
  wrap(publicKey: Buffer, secret: Uint8Array, id: string): Promise<string>;
  /** Fails: if it was wrapped for another key, or changed. */
  unwrap(privateKey: Buffer, wrapped: string, id: string): Promise<Uint8Array>;
}

/** The public key of the centre. Fails: if the file holds a private one, which must not lie on the box, or more than one. */
export function receiverOf(pem: Buffer): KeyObject {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem.toString("latin1")))
    throw new Error("it holds a private key, which must not lie on this box");
  const count = publicKeyCount(pem);
  if (count > 1) throw new Error(`it holds ${count} different public keys`);
  return createPublicKey(pem);
}
