import { type KeyObject, X509Certificate } from "node:crypto";
import { SortgateError } from "../model/error.ts";
import type { EpochMs } from "../model/units.ts";
import { applicationUri, type Subject } from "./certificate.ts";

const certificatesMax = 8;
const block = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** The certificates of a PEM text, in its order. Whatever else stands in it is passed over. */
export function readChain(pem: string, path: string): readonly [X509Certificate, ...X509Certificate[]] {
  let certificates: X509Certificate[] = [];
  try {
    certificates = (pem.match(block) ?? []).map((text) => new X509Certificate(text));
  } catch (cause) {
    throw problem(`${path} holds a certificate that cannot be read`, "export it again as PEM (base64)", cause);
  }
  const [first, ...rest] = certificates;
  if (first === undefined) {
    throw problem(`${path} holds no certificate`, `give a PEM file: openssl x509 -in ${path} -noout -subject`);
  }
  if (certificates.length > certificatesMax) {
    throw problem(
      `${path} holds more than ${certificatesMax} certificates`,
      "give the device's and those above it only",
    );
  }
  return [first, ...rest];
}

/** Refuses certificates of which the first is not over this key. */
export function requireFit(chain: readonly X509Certificate[], key: KeyObject, path: string): void {
  if (chain[0]?.checkPrivateKey(key)) return;
  if (chain.some((certificate) => certificate.checkPrivateKey(key))) {
    throw problem(
      `The device's own certificate is not the first in ${path}`,
      "put it first, then the one that issued it",
    );
  }
  throw problem(
    `The certificate in ${path} is not over this gateway's device key`,
    "make a new request with: sortgate keys csr; or put back the file that belongs to the key",
  );
}

/** Refuses certificates that do not issue each other in their order. */
export function requireOrder(chain: readonly X509Certificate[], path: string): void {
  for (const [index, certificate] of chain.entries()) {
    const issuer = chain[index + 1];
    if (issuer === undefined) return;
    if (certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)) continue;
    throw problem(
      `Certificate ${index + 2} in ${path} did not issue certificate ${index + 1}`,
      "order them: the device's first, then the one that issued it, and so on",
    );
  }
}

/** Refuses certificates that are not valid now. */
export function requireValid(chain: readonly X509Certificate[], now: EpochMs, path: string): void {
  for (const [index, { validFrom, validTo }] of chain.entries()) {
    const at = new Date(now).toISOString();
    if (Date.parse(validTo) < now) {
      throw problem(`Certificate ${index + 1} in ${path} ended on ${validTo}`, `ask for a new one; this box has ${at}`);
    }
    if (Date.parse(validFrom) > now) {
      throw problem(
        `Certificate ${index + 1} in ${path} begins only on ${validFrom}`,
        `look at the clock of this box, which says ${at}`,
      );
    }
  }
}

/** Whether the certificate says that it is this gateway's; refuses one that says it is another's. */
export function requireName(certificate: X509Certificate, subject: Subject, path: string): boolean {
  const wanted = applicationUri(subject);
  const uris = [...(certificate.subjectAltName ?? "").matchAll(/URI:"?(urn:sortgate:[^",\s]+)/g)].map(([, uri]) => uri);
  if (uris.length > 0 && !uris.includes(wanted)) {
    throw problem(
      `The certificate in ${path} is for ${uris[0]}, and this gateway is ${wanted}`,
      "compare it with site and id under [gateway]; for a new name, under which orders count anew, move device.key, device*.crt and order.json in its folder aside, and leave policy.json: the next start makes a new identity",
    );
  }
  return uris.includes(wanted) || (certificate.subject?.split("\n").includes(`CN=${subject.gateway}`) ?? false);
}

function problem(sentence: string, hint: string, cause?: unknown): SortgateError {
  return new SortgateError("identity/certificate", sentence, { hint, cause });
}
