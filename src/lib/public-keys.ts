import { createPublicKey } from "node:crypto";

const aloneForm = /-----BEGIN (?:RSA )?PUBLIC KEY-----[^-]+-----END (?:RSA )?PUBLIC KEY-----/g;
const certificateForm = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/;

/**
 * How many different public keys a PEM file holds, of which OpenSSL takes the first without a word: those that stand
 * alone, and that of the first certificate. Those behind it vouch for it.
 *
 * Fails:   with an error of OpenSSL if one of them cannot be read.
 */
export function publicKeyCount(pem: Buffer): number {
  const text = pem.toString("latin1");
  const blocks = [...(text.match(aloneForm) ?? []), ...(text.match(certificateForm) ?? [])];
  const keys = blocks.map((block) => createPublicKey(block).export({ type: "spki", format: "der" }).toString("latin1"));
  return new Set(keys).size;
}
