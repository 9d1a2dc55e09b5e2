import { createPublicKey, type KeyObject, randomBytes } from "node:crypto";
import type { EpochMs } from "../model/units.ts";

/** Who a certificate is for. */
export interface Subject {
  readonly gateway: string;
  readonly site: string;
}

/** The name by which OPC UA servers and verifiers know a gateway (OPC 10000-6 §6.2.2). */
export function applicationUri({ gateway, site }: Subject): string {
  return `urn:sortgate:${site}:${gateway}`;
}

const dayMs = 86_400_000;
const validDays = 3_653;
/** A box without a battery-backed clock starts in 1970; a certificate from then would have ended before it was made. */
const clockFloorMs: EpochMs = Date.UTC(2026, 0, 1);

/**
 * A self-signed certificate over the device key, for TLS, for OPC UA and behind endorsements.
 *
 * Gives:   PEM, valid for ten years, from a day ago, for partners whose clocks run behind.
 * Cost:    about 0.1 s: the library that builds it is loaded here and signs in JavaScript.
 * Source:  RFC 5280; OPC 10000-6 §6.2.2 for the key usages, `keyCertSign` of a self-signed one among them.
 */
export async function selfSign(key: KeyObject, subject: Subject, now: EpochMs): Promise<string> {
  const forge = await loadForge();
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicPem(key));
  // A leading zero digit keeps the number positive, a one after it keeps its length.
  certificate.serialNumber = `01${randomBytes(15).toString("hex")}`;
  const from = Math.max(now, clockFloorMs) - dayMs;
  certificate.validity.notBefore = new Date(from);
  certificate.validity.notAfter = new Date(from + validDays * dayMs);
  certificate.setSubject(nameOf(subject));
  certificate.setIssuer(nameOf(subject));
  certificate.setExtensions([
    { name: "basicConstraints", critical: true, cA: false },
    ...extensionsOf(subject, true),
    { name: "subjectKeyIdentifier" },
    { name: "authorityKeyIdentifier", keyIdentifier: true },
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(privatePem(key)), forge.md.sha256.create());
  return unixLines(forge.pki.certificateToPem(certificate));
}

/**
 * A request to the site's authority: PKCS #10, PEM.
 *
 * Source: RFC 2986; the wanted extensions as RFC 2985 §5.4.2.
 */
export async function requestCertificate(key: KeyObject, subject: Subject): Promise<string> {
  const forge = await loadForge();
  const request = forge.pki.createCertificationRequest();
  request.publicKey = forge.pki.publicKeyFromPem(publicPem(key));
  request.setSubject(nameOf(subject));
  request.setAttributes([{ name: "extensionRequest", extensions: extensionsOf(subject, false) }]);
  request.sign(forge.pki.privateKeyFromPem(privatePem(key)), forge.md.sha256.create());
  return unixLines(forge.pki.certificationRequestToPem(request));
}

// Loaded only when something is made: a start that finds its identity does without.
async function loadForge(): Promise<typeof import("node-forge")> {
  return (await import("node-forge")).default;
}

function nameOf({ gateway, site }: Subject): { name: string; value: string; valueTagClass: number }[] {
  // UTF8String, because a PrintableString has no underscore. The number is its ASN.1 tag; the types want a class here.
  const valueTagClass = 12;
  return [
    { name: "organizationName", value: site, valueTagClass },
    { name: "commonName", value: gateway, valueTagClass },
  ];
}

function extensionsOf(subject: Subject, isSelfSigned: boolean): Record<string, unknown>[] {
  return [
    {
      name: "keyUsage",
      critical: true,
      digitalSignature: true,
      nonRepudiation: true,
      keyEncipherment: true,
      dataEncipherment: true,
      keyCertSign: isSelfSigned,
    },
    { name: "extKeyUsage", clientAuth: true, serverAuth: true },
    // Type 6 is a URI (RFC 5280 §4.2.1.6).
    { name: "subjectAltName", altNames: [{ type: 6, value: applicationUri(subject) }] },
  ];
}

function publicPem(key: KeyObject): string {
  return createPublicKey(key).export({ type: "spki", format: "pem" }) as string;
}

/** The device key as it is stored. */
export function privatePem(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }) as string;
}

function unixLines(pem: string): string {
  return pem.replaceAll("\r\n", "\n");
}
