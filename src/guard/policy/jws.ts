import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { fromBase64url } from "../../lib/base64url.ts";
import { fingerprintOf, fingerprintText } from "../../lib/fingerprint.ts";
import { publicKeyCount } from "../../lib/public-keys.ts";
import { type PolicyRefusal, refusal } from "./refusal.ts";

/**
 * What the centre signs, as sentences name it. `typ` stands in the header, so that no signature of the centre's key under
 * one thing passes for another.
 */
const signedKinds = {
  policy: { typ: "sortgate-policy+jws", holder: "the file", suspect: "who put policy_file there" },
  order: {
    typ: "sortgate-order+jws",
    holder: "the message",
    suspect: "who may publish under the topic of orders there",
  },
} as const;

export type SignedKind = keyof typeof signedKinds;

/** A file with a `-----BEGIN … PRIVATE KEY-----`. */
const privateMark = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;

/** Members of the header that are known; any other may mean something that we would not heed. */
const headerMembers: ReadonlySet<string> = new Set(["alg", "typ", "kid"]);

/** The algorithms that fit a key, the one to sign with first; none for keys that are not allowed. */
function algorithmsOf({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): readonly string[] {
  if (type === "ed25519") return ["Ed25519", "EdDSA"];
  if (type === "ec" && details?.namedCurve === "prime256v1") return ["ES256"];
  return type === "rsa" && (details?.modulusLength ?? 0) >= 2_048 ? ["PS256"] : [];
}

type Header = Readonly<Record<string, unknown>>;

type Refused = { readonly refused: PolicyRefusal };

function notSigned(kind: SignedKind, what: string): Refused {
  const hint = `have the centre sign the ${kind}: sortgate ${kind} sign FILE --key CENTRE.key`;
  return refusal("unsigned", `${signedKinds[kind].holder} holds ${what}`, hint);
}

function headerOf(token: string): Header | undefined {
  // Another spelling of the same bytes would have another digest, and pass for another order.
  const parts = token.split(".", 4).map(fromBase64url);
  if (parts.length !== 3 || parts.includes(undefined)) return undefined;
  try {
    const header: unknown = JSON.parse(parts[0]!.toString("utf8"));
    return typeof header === "object" && header !== null ? (header as Header) : undefined;
  } catch {
    return undefined;
  }
}

/** The centre's public key, as PEM; or why it is none that anything can be proven with. */
export function centreKeyOf(pem: Buffer): { readonly key: KeyObject } | Refused {
  const remedy = "put the centre's public key there, as openssl pkey -in CENTRE.key -pubout writes it";
  const told = (sentence: string) => refusal("key", sentence, remedy, "policy_key_file");
  if (privateMark.test(pem.toString("latin1")))
    return told("the file holds a private key; allowed: the public one alone");
  try {
    const key = createPublicKey(pem);
    const count = publicKeyCount(pem);
    if (count > 1) return told(`the file holds ${count} different public keys; allowed: one`);
    if (algorithmsOf(key).length > 0) return { key };
    return told(
      "the file holds a key that the centre does not sign with; allowed: Ed25519, P-256, RSA of 2,048 bits or more",
    );
  } catch {
    return told("the file holds no public key that can be read");
  }
}

/**
 * Whether bytes claim to be signed as a policy, or an order; nothing of that is proven.
 *
 * Cost:    some microseconds; no file, no cryptography.
 */
export function claimOf(
  kind: SignedKind,
  bytes: Buffer,
): { readonly token: string; readonly header: Header } | Refused {
  const token = bytes.toString("latin1").trim();
  const header = headerOf(token);
  if (header === undefined || header.alg === "none")
    return notSigned(kind, `no compact JWS: the ${kind} is not signed`);
  const { typ } = signedKinds[kind];
  if (header.typ !== typ || Object.keys(header).some((member) => !headerMembers.has(member)))
    return notSigned(kind, `a signature of something else; allowed: a header of alg, kid and typ "${typ}"`);
  return { token, header };
}

/**
 * Proves that the centre signed a policy, or an order.
 *
 * Takes:   the bytes as they came: a compact JWS (RFC 7515), and the centre's public key as PEM.
 * Gives:   what was signed, byte by byte, and the fingerprint of the key; or why it is not proven.
 * Fails:   never, whatever the bytes.
 */
export async function provenByCentre(
  kind: SignedKind,
  bytes: Buffer,
  publicKey: Buffer,
): Promise<{ readonly payload: Uint8Array; readonly signer: string } | Refused> {
  const found = centreKeyOf(publicKey);
  if ("refused" in found) return found;
  const { key } = found;
  const claim = claimOf(kind, bytes);
  if ("refused" in claim) return claim;
  const { token, header } = claim;
  const algorithms = algorithmsOf(key);
  if (typeof header.alg !== "string" || !algorithms.includes(header.alg))
    return refusal(
      "signature",
      `the ${kind} is signed with an algorithm that does not fit policy_key_file; allowed: ${algorithms.join(", ")}`,
      takeAgain(kind),
    );
  try {
    // The library is loaded here: few sites have such a file.
    const { compactVerify } = await import("jose");
    const { payload } = await compactVerify(token, key, { algorithms: [...algorithms] });
    if (kind === "order" && withLowS(token, header.alg) !== token)
      return refusal(
        "signature",
        "the order has a signature of ES256 that anybody can write in two ways; allowed: the one whose s is the lower",
        "sign it with sortgate order sign, which writes that one, or with a key of Ed25519",
      );
    return { payload, signer: fingerprintOf(key) };
  } catch {
    return unproven(kind, header.kid, fingerprintOf(key));
  }
}

function unproven(kind: SignedKind, signer: unknown, own: string): Refused {
  const isOther = typeof signer === "string" && /^[0-9a-f]{64}$/.test(signer) && signer !== own;
  return isOther
    ? refusal(
        "signature",
        `the ${kind} says that it is signed with the key ${fingerprintText(signer)}, and policy_key_file is ${fingerprintText(own)}`,
        `compare that fingerprint with the one that the centre gave you; only if it is the centre's, put the centre's public key into policy_key_file; otherwise find out ${signedKinds[kind].suspect}`,
      )
    : refusal(
        "signature",
        `the signature does not fit: the ${kind} was altered, or signed with another key than policy_key_file (${fingerprintText(own)})`,
        takeAgain(kind),
      );
}

const takeAgain = (kind: SignedKind): string =>
  `take the ${kind} from the centre again, and compare the fingerprint of policy_key_file with theirs`;

/**
 * Signs a policy or an order, on the centre's side.
 *
 * Takes:   a private key as PEM without a password: Ed25519, P-256, or RSA of 2,048 bits or more.
 * Gives:   a compact JWS. Undefined: nothing is signed with such a key.
 * Fails:   with an error of OpenSSL if the PEM text is no private key.
 */
export async function signAsCentre(
  kind: SignedKind,
  payload: Uint8Array,
  privateKey: Buffer,
): Promise<string | undefined> {
  const key = createPrivateKey(privateKey);
  const [alg] = algorithmsOf(key);
  if (alg === undefined) return undefined;
  const { CompactSign } = await import("jose");
  const header = { alg, kid: fingerprintOf(createPublicKey(key)), typ: signedKinds[kind].typ };
  return withLowS(await new CompactSign(payload).setProtectedHeader(header).sign(key), alg);
}

/** The order of the group of P-256 (FIPS 186-5, SEC 2 §2.4.2). */
const p256Order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const halfBytes = 32;

/**
 * A token of ES256 with the lower of the two numbers that are both right in its signature, `s` and `n - s`: whoever has
 * one can write the other, and it would have another digest. Other tokens are left as they are.
 */
function withLowS(token: string, alg: string): string {
  const cut = token.lastIndexOf(".") + 1;
  const signature = Buffer.from(token.slice(cut), "base64url");
  if (alg !== "ES256" || signature.length !== 2 * halfBytes) return token;
  const s = BigInt(`0x${signature.toString("hex", halfBytes)}`);
  if (2n * s <= p256Order) return token;
  signature.write((p256Order - s).toString(16).padStart(2 * halfBytes, "0"), halfBytes, "hex");
  return token.slice(0, cut) + signature.toString("base64url");
}
