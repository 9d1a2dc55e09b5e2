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
  /** When its certificate begins; undefined for a bare key. */
  readonly notBefore: EpochMs | undefined;
  /** When it ends. */
  readonly notAfter: EpochMs | undefined;
}

export interface Receiver extends SealKey {
  readonly pem: Buffer;
}

/** Fails: with an error of the system or of OpenSSL if there is no key. Whether it can receive, its first use shows. */
export async function readReceiver(file: string): Promise<Receiver> {
  const pem = await readSmallFile(file);
  const fingerprint = fingerprintOf(createPublicKey(pem));
  const certificate = pem.includes("-----BEGIN CERTIFICATE-----") ? new X509Certificate(pem) : undefined;
  return {
    file,
    fileSha256: createHash("sha256").update(pem).digest("hex"),
    fingerprint,
    notBefore: certificate && Date.parse(certificate.validFrom),
    notAfter: certificate && Date.parse(certificate.validTo),
    pem,
  };
}

/** Why nothing is to be sealed to it at that time; undefined if its certificate holds then. */
export function whyInvalid({ notBefore, notAfter }: SealKey, at: EpochMs): string | undefined {
  if (notAfter !== undefined && at >= notAfter) return `its certificate ended on ${new Date(notAfter).toISOString()}`;
  if (notBefore !== undefined && at < notBefore)
    return `its certificate is not valid before ${new Date(notBefore).toISOString()}`;
  return undefined;
}
