import { createHash, type KeyObject } from "node:crypto";

/** SHA-256 in hex over the SPKI of a public key: the same wherever the key stands, in a certificate too. */
export function fingerprintOf(publicKey: KeyObject): string {
  return createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("hex");
}

/** As people compare it: its first 16 digits in groups. */
export function fingerprintText(fingerprint: string): string {
  return (fingerprint.slice(0, 16).match(/.{1,4}/g) ?? []).join(" ");
}
