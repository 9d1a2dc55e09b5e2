import { createHash, createPublicKey, X509Certificate } from "node:crypto";
import { fingerprintOf } from "../lib/fingerprint.ts";
import { readSmallFile } from "../lib/small-file.ts";
import type { EpochMs } from "../model/units.ts";

/** The centre's public key, as it was read. */
export interface SealKey {
  readonly file: string;
  /** In hex. */
  readonly fileSha256: string;
  /** SHA-256 of its SPKI in hex: the centre finds the private key by it. */
  readonly fingerprint: string;
  /** When its certificate ends; undefined for a bare key. */
  readonly notAfter: EpochMs | undefined;
}

export interface Receiver extends SealKey {
  readonly pem: Buffer;
}

/** Fails: with an error of the system or of OpenSSL if there is no key. Whether it can receive, its first use shows. */
export async function readReceiver(file: string): Promise<Receiver> {
  const pem = await readSmallFile(file);
  const fingerprint = fingerprintOf(createPublicKey(pem));
  const isCertificate = pem.includes("-----BEGIN CERTIFICATE-----");
  const notAfter = isCertificate ? Date.parse(new X509Certificate(pem).validTo) : undefined;
  return { file, fileSha256: createHash("sha256").update(pem).digest("hex"), fingerprint, notAfter, pem };
}

/** Whether nothing is to be sealed to it any more. */
export function isOver({ notAfter }: SealKey, at: EpochMs): boolean {
  return notAfter !== undefined && at >= notAfter;
}
