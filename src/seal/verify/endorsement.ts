import type { X509Certificate } from "node:crypto";
import type { Json } from "../../model/event.ts";
import { endorsedStatement } from "../epoch.ts";
import { isObject, type PublicJwk, publicKeyOf, readStatement } from "../jws.ts";
import type { CapturedEvent } from "./captured.ts";
import type { EndorsementReason } from "./verdict.ts";

export interface Endorsement {
  /** Absent if it holds. */
  readonly reason: EndorsementReason | undefined;
  /** Subject of the device's certificate, on one line; absent if there is none. */
  readonly subject: string | undefined;
}

/** The key that an epoch event brings; nothing if it brings none. */
export function epochKeyOf(data: Json): ReturnType<typeof publicKeyOf> {
  return isObject(data) ? publicKeyOf(data.key) : undefined;
}

/**
 * Judges the device's word for the keys of an epoch.
 *
 * Takes:   the certificates to trust; without them only the signature is judged.
 * Cost:    about 0.2 ms: one RSA verification and the parsing of the certificates.
 */
export function judgeEndorsement(
  event: CapturedEvent,
  key: PublicJwk | undefined,
  trust: readonly X509Certificate[] | undefined,
): Endorsement {
  const { endorsement: jws, gm } = isObject(event.data) ? event.data : {};
  if (typeof jws !== "string" || key === undefined) return { reason: "absent", subject: undefined };
  const statement = readStatement(jws, endorsedStatement(event, String(event.sequence), key, gm));
  if ("refused" in statement) return { reason: statement.refused, subject: undefined };
  const [leaf] = statement.certificates;
  const subject = leaf?.subject?.replaceAll("\n", ", ").slice(0, 256);
  return { reason: trust && judgeCertificates(statement.certificates, trust, event), subject };
}

function judgeCertificates(
  certificates: readonly X509Certificate[],
  trust: readonly X509Certificate[],
  event: CapturedEvent,
): EndorsementReason | undefined {
  const leaf = certificates[0] as X509Certificate;
  const uris = [...(leaf.subjectAltName ?? "").matchAll(/URI:"?(urn:sortgate:[^",\s]+)/g)].map((match) => match[1]);
  const isNamed = uris.includes(`urn:sortgate:${event.site}:${event.gateway}`);
  if (uris.length > 0 && !isNamed) return "other-gateway";
  // The certificate itself is trusted by hand: its dates say nothing then, and a box may have started with a wrong clock.
  if (trust.some((trusted) => isSame(trusted, leaf))) return undefined;
  const path = pathTo(trust, certificates);
  if (path === undefined) return "untrusted";
  // An authority certifies more than our gateway, so here the certificate has to say whose it is.
  const isCalled = leaf.subject?.split("\n").includes(`CN=${event.gateway}`) ?? false;
  if (!isNamed && !isCalled) return "other-gateway";
  const isValid = path.every(
    ({ validFrom, validTo }) => Date.parse(validFrom) <= event.at && event.at <= Date.parse(validTo),
  );
  return isValid ? undefined : "not-valid-then";
}

/** The certificates from the leaf to the first that is trusted or issued by a trusted one; nothing if they do not lead there. */
function pathTo(
  trust: readonly X509Certificate[],
  certificates: readonly X509Certificate[],
): readonly X509Certificate[] | undefined {
  const path: X509Certificate[] = [];
  for (const [index, certificate] of certificates.entries()) {
    if (index > 0 && !isIssuedBy(path.at(-1) as X509Certificate, certificate)) return undefined;
    path.push(certificate);
    if (trust.some((trusted) => isSame(trusted, certificate))) return path;
    const issuer = trust.find((trusted) => isIssuedBy(certificate, trusted));
    if (issuer !== undefined) return [...path, issuer];
  }
  return undefined;
}

function isSame(a: X509Certificate, b: X509Certificate): boolean {
  return a.raw.equals(b.raw);
}

/** Only an authority issues: a device whose own certificate is trusted cannot vouch for another device. */
function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    return false;
  }
}
