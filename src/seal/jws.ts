import { constants, createPublicKey, hash, type KeyObject, verify, X509Certificate } from "node:crypto";
import { fromBase64url } from "../lib/base64url.ts";
import type { Json } from "../model/event.ts";
import { canonicalize, parseStrict } from "./canonical.ts";

/** The public half of an epoch key, as it stands in an `epoch` event. */
export type PublicJwk = { readonly crv: "Ed25519"; readonly kty: "OKP"; readonly x: string };

/** What separates our signatures from all others that the same key could make. */
const eventType = "sortgate-event+jws";
const viewType = "sortgate-view+jws";
const certificatesMax = 8;

/** The name of a key: the same key has the same name everywhere. Source: RFC 7638 §3, RFC 8037 §2. */
export function thumbprint(key: PublicJwk): string {
  return hash("sha256", canonicalize(key), "base64url");
}

/** The protected header of all events that this key signs, encoded. Source: RFC 9864 for the algorithm's name. */
export function eventHeader(kid: string): string {
  return Buffer.from(canonicalize({ alg: "Ed25519", kid, typ: eventType })).toString("base64url");
}

/** …and of all views of events: no view passes for an event, and no event for a view. */
export function viewHeader(kid: string): string {
  return Buffer.from(canonicalize({ alg: "Ed25519", kid, typ: viewType })).toString("base64url");
}

/** A detached JWS over an event without its signature. Source: RFC 7515 appendix F. */
export function signEvent(payload: string, header: string, sign: (bytes: Uint8Array) => Buffer): string {
  return `${header}..${sign(signingInput(header, payload)).toString("base64url")}`;
}

export type EventSignature =
  | { readonly kind: "ed25519"; readonly header: string; readonly kid: string; readonly bytes: Buffer }
  /** Well formed, and something that no event is signed with. */
  | { readonly kind: "refused" }
  | { readonly kind: "malformed" };

/** Takes a signature apart. Only the one header that we write is accepted: this algorithm, this type, a key, no more. */
export function readEventSignature(jws: string): EventSignature {
  return readSignature(jws, eventType);
}

/** The same for a view. */
export function readViewSignature(jws: string): EventSignature {
  return readSignature(jws, viewType);
}

function readSignature(jws: string, type: string): EventSignature {
  const [header = "", middle, signature, ...rest] = jws.split(".", 4);
  if (middle !== "" || signature === undefined || rest.length > 0) return { kind: "malformed" };
  const fields = readObject(header);
  if (fields === undefined) return { kind: "malformed" };
  const { alg, kid, typ } = fields;
  if (alg !== "Ed25519" || typ !== type || Object.keys(fields).length !== 3) return { kind: "refused" };
  const bytes = fromBase64url(signature);
  if (typeof kid !== "string" || bytes?.length !== 64) return { kind: "malformed" };
  return { kind: "ed25519", header, kid, bytes };
}

/** Whether the key made this signature over this event. */
export function verifyEvent(payload: string, header: string, signature: Uint8Array, key: KeyObject): boolean {
  return verify(null, signingInput(header, payload), key, signature);
}

/** The key object of a public JWK; nothing if it is not an Ed25519 key written in the one right way. */
export function publicKeyOf(
  key: Json | undefined,
): { readonly jwk: PublicJwk; readonly object: KeyObject } | undefined {
  if (!isObject(key) || Object.keys(key).length !== 3) return undefined;
  const { crv, kty, x } = key;
  if (crv !== "Ed25519" || kty !== "OKP" || typeof x !== "string" || fromBase64url(x)?.length !== 32) return undefined;
  const jwk: PublicJwk = { crv, kty, x };
  try {
    return { jwk, object: createPublicKey({ key: jwk, format: "jwk" }) };
  } catch {
    return undefined;
  }
}

/** Signs bytes with the device key (PS256) and knows the certificates behind it, the device's own first. */
export interface DeviceSigner {
  readonly certificateChain: readonly Uint8Array[];
  sign(bytes: Uint8Array): Buffer;
}

/** A compact JWS by the device key, with its certificates. Source: RFC 7515 §4.1.6, RFC 7518 §3.5. */
export function signStatement(statement: Json, device: DeviceSigner): string {
  const x5c = device.certificateChain.map((certificate) => Buffer.from(certificate).toString("base64"));
  const header = Buffer.from(canonicalize({ alg: "PS256", x5c })).toString("base64url");
  const input = `${header}.${Buffer.from(canonicalize(statement)).toString("base64url")}`;
  return `${input}.${device.sign(Buffer.from(input)).toString("base64url")}`;
}

/** Why a statement does not count, or the certificates behind it. */
export type Statement =
  | { readonly certificates: readonly X509Certificate[] }
  | { readonly refused: "malformed" | "algorithm" | "statement" | "signature" };

/** Checks that the first certificate in the JWS signed exactly this statement. Whose certificate it is, others judge. */
export function readStatement(jws: string, statement: Json): Statement {
  const [header = "", payload = "", signature = "", ...rest] = jws.split(".", 4);
  const fields = readObject(header);
  const bytes = fromBase64url(signature);
  if (fields === undefined || bytes === undefined || rest.length > 0) return { refused: "malformed" };
  if (fields.alg !== "PS256" || Object.keys(fields).length !== 2) return { refused: "algorithm" };
  const certificates = readCertificates(fields.x5c);
  const leaf = certificates?.[0];
  if (certificates === undefined || leaf === undefined) return { refused: "malformed" };
  if (payload !== Buffer.from(canonicalize(statement)).toString("base64url")) return { refused: "statement" };
  return isSignedBy(leaf, `${header}.${payload}`, bytes) ? { certificates } : { refused: "signature" };
}

function isSignedBy(leaf: X509Certificate, input: string, signature: Uint8Array): boolean {
  try {
    const key = leaf.publicKey;
    // Anything shorter than 2,048 bits, or another kind of key, is not PS256 as RFC 7518 §3.5 has it.
    if (key.asymmetricKeyType !== "rsa" || (key.asymmetricKeyDetails?.modulusLength ?? 0) < 2_048) return false;
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    return verify("sha256", Buffer.from(input), { key, padding, saltLength: 32 }, signature);
  } catch {
    return false;
  }
}

function readCertificates(x5c: Json | undefined): X509Certificate[] | undefined {
  if (!Array.isArray(x5c) || x5c.length === 0 || x5c.length > certificatesMax) return undefined;
  try {
    return x5c.map((text) => new X509Certificate(Buffer.from(String(text), "base64")));
  } catch {
    return undefined;
  }
}

function readObject(base64url: string): { readonly [member: string]: Json } | undefined {
  const bytes = fromBase64url(base64url);
  if (bytes === undefined) return undefined;
  const parsed = parseStrict(bytes.toString("utf8"));
  return "value" in parsed && isObject(parsed.value) ? parsed.value : undefined;
}

/** Whether a value is an object: neither null nor a list. */
export function isObject(value: Json | undefined): value is { readonly [member: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// Two places that each signature uses anew, because a buffer a signature costs more than the copying.
let plain = Buffer.allocUnsafeSlow(16_384);
let encoded = Buffer.allocUnsafeSlow(32_768);

/** What is signed: holds until the next call. Source: RFC 7515 §5.1. */
function signingInput(header: string, payload: string): Uint8Array {
  // A UTF-16 unit takes at most three bytes in UTF-8.
  if (plain.length < payload.length * 3) plain = Buffer.allocUnsafeSlow(payload.length * 3);
  const text = `${header}.${plain.toString("base64url", 0, plain.write(payload, "utf8"))}`;
  if (encoded.length < text.length) encoded = Buffer.allocUnsafeSlow(text.length);
  return encoded.subarray(0, encoded.write(text, "latin1"));
}
