import forge from "node-forge";

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** A key and a self-signed certificate that is valid between two instants. */
export function aPair(validFromMs: number, validToMs: number): Pair {
  const keys = forge.pki.rsa.generateKeyPair(2_048);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = keys.publicKey;
  certificate.serialNumber = "01";
  certificate.validity.notBefore = new Date(validFromMs);
  certificate.validity.notAfter = new Date(validToMs);
  const name = [{ name: "commonName", value: "line-3" }];
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.sign(keys.privateKey, forge.md.sha256.create());
  return { cert: forge.pki.certificateToPem(certificate), key: forge.pki.privateKeyToPem(keys.privateKey) };
}
