import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { createRequire } from "node:module";

/** An Ed25519 key pair whose secret half stays within this file. */
export interface SigningPair {
  /** The public key, 32 bytes in base64url. */
  readonly x: string;
  /** The signature, 64 bytes; they hold until the next call. */
  readonly sign: (bytes: Uint8Array) => Buffer;
}

/**
 * Draws a key pair.
 *
 * Cost:    a signature takes 17 to 22 µs; 30 to 38 µs where libsodium has no build for the machine and OpenSSL signs.
 *          The bytes are the same, for Ed25519 draws nothing at random (RFC 8032 §5.1.6).
 * Source:  measured by `npm run bench -- --only stages`.
 */
export function createSigningPair(): SigningPair {
  return createSodiumPair() ?? createNodePair();
}

/** What is used of libsodium. The secret key lies in memory that is locked, guarded, and wiped when it is let go. */
interface Sodium {
  readonly crypto_sign_PUBLICKEYBYTES: number;
  readonly crypto_sign_SECRETKEYBYTES: number;
  readonly crypto_sign_BYTES: number;
  sodium_malloc(byteCount: number): Buffer;
  crypto_sign_keypair(publicKey: Buffer, secretKey: Buffer): void;
  crypto_sign_detached(signature: Buffer, message: Uint8Array, secretKey: Buffer): void;
}

/** Signs with libsodium; nothing where it has no build for this machine (32-bit ARM, musl). */
export function createSodiumPair(): SigningPair | undefined {
  const sodium = loadSodium();
  return sodium === undefined ? undefined : pairOf(sodium);
}

function pairOf(sodium: Sodium): SigningPair {
  const publicKey = Buffer.alloc(sodium.crypto_sign_PUBLICKEYBYTES);
  const secretKey = sodium.sodium_malloc(sodium.crypto_sign_SECRETKEYBYTES);
  const signature = Buffer.alloc(sodium.crypto_sign_BYTES);
  sodium.crypto_sign_keypair(publicKey, secretKey);
  return {
    x: publicKey.toString("base64url"),
    sign(bytes) {
      sodium.crypto_sign_detached(signature, bytes, secretKey);
      return signature;
    },
  };
}

/** Signs with the OpenSSL that is a part of Node. */
export function createNodePair(): SigningPair {
  const { privateKey, publicKey }: { privateKey: KeyObject; publicKey: KeyObject } = generateKeyPairSync("ed25519");
  return { x: publicKey.export({ format: "jwk" }).x as string, sign: (bytes) => sign(null, bytes, privateKey) };
}

function loadSodium(): Sodium | undefined {
  try {
    // Here and not at the top: whoever only verifies does not pay for it.
    const require = createRequire(import.meta.url);
    return require("sodium-native") as Sodium;
  } catch {
    return undefined;
  }
}
