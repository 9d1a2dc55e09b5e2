import { createPrivateKey, createPublicKey } from "node:crypto";
import { fingerprintOf } from "../lib/fingerprint.ts";
import type { Field } from "./label/field.ts";
import { type Suite, suiteOfContent } from "./suites/index.ts";

/** Opens on the centre's side what gateways sealed to it. */
export interface Opener {
  /** Takes note of the content key in an event, if it has one that this private key unwraps. */
  learn(event: unknown): Promise<void>;
  /** What is sealed in an event; undefined if it holds nothing sealed, or the reason why it does not open. */
  open(event: unknown): readonly Field[] | Unopened | undefined;
  /** Fingerprint of this key; see `fingerprintOf`. */
  readonly fingerprint: string;
}

/** Why something sealed does not open: its content key is not there, is for other private keys, or it was altered. */
export type Unopened =
  | { readonly reason: "no-key" | "altered" }
  | { readonly reason: "other-key"; readonly wanted: readonly string[] };

/** One is the gateway's; more are attempts. */
const keysPerNameMax = 16;

interface Known {
  readonly suite: Suite;
  readonly secret: Uint8Array;
}

/**
 * Takes:   a private key as PEM: RSA, P-256 or X25519, or SM2.
 * Fails:   with an error of OpenSSL if the PEM text is no private key.
 */
export function createOpener(privateKey: Buffer): Opener {
  const fingerprint = fingerprintOf(createPublicKey(createPrivateKey(privateKey)));
  // Whoever has the public key can wrap a key of his own under a known name: each is kept, and none replaces another.
  const secrets = new Map<string, Known[]>();
  const receivers = new Map<string, Set<string>>();
  return {
    fingerprint,
    async learn(event) {
      const { action, alg, key, receiver, wrapped } = dataOf(event);
      const suite = suiteOfContent(alg);
      if (action !== "seal-key" || suite === undefined || typeof key !== "string" || typeof wrapped !== "string")
        return;
      try {
        const known = { suite, secret: await suite.unwrap(privateKey, wrapped, key) };
        secrets.set(key, [...(secrets.get(key) ?? []), known].slice(0, keysPerNameMax));
      } catch {
        // It was wrapped for somebody else; what it seals then says so, and for whom, if its gateway told it.
        const known = receivers.get(key) ?? new Set<string>();
        const isOther = typeof receiver === "string" && /^[0-9a-f]{64}$/.test(receiver) && receiver !== fingerprint;
        if (isOther && known.size < keysPerNameMax) receivers.set(key, known.add(receiver));
      }
    },
    open(event) {
      const { sealed, passId } = dataOf(event);
      if (sealed === undefined) return undefined;
      if (!isBlob(sealed)) return { reason: "altered" };
      const { alg, key, nonce, text } = sealed;
      const [known, wanted] = [secrets.get(key), receivers.get(key)];
      if (known === undefined)
        return wanted === undefined ? { reason: "no-key" } : { reason: "other-key", wanted: [...wanted] };
      const [iv, bytes] = [Buffer.from(nonce, "base64url"), Buffer.from(text, "base64url")];
      for (const { suite, secret } of known) {
        if (alg !== suite.contentAlgorithm) continue;
        const fields = attempt(() => JSON.parse(suite.open(secret, iv, `${key} ${passId}`, bytes).toString("utf8")));
        if (isFields(fields)) return fields;
      }
      return { reason: "altered" };
    },
  };
}

function attempt(work: () => unknown): unknown {
  try {
    return work();
  } catch {
    return undefined;
  }
}

/** Whether it has what every gateway seals with; its algorithm is looked at with the key. */
function isBlob(value: unknown): value is { alg: unknown; key: string; nonce: string; text: string } {
  if (typeof value !== "object" || value === null) return false;
  const { key, nonce, text } = value as Record<string, unknown>;
  return typeof key === "string" && typeof nonce === "string" && typeof text === "string";
}

function isFields(value: unknown): value is Field[] {
  const isText = (text: unknown): boolean => typeof text === "string";
  return Array.isArray(value) && value.every((one) => isText(one?.kind) && isText(one?.value));
}

function dataOf(event: unknown): Readonly<Record<string, unknown>> {
  const data = typeof event === "object" && event !== null ? (event as { data?: unknown }).data : undefined;
  return typeof data === "object" && data !== null ? (data as Record<string, unknown>) : {};
}
