import { createPrivateKey } from "node:crypto";
import type { Field } from "./label/field.ts";
import { type Suite, suiteOfContent } from "./suites/index.ts";

/** Opens on the centre's side what gateways sealed to it. */
export interface Opener {
  /** Takes note of the content key in an event, if it has one that this private key unwraps. */
  learn(event: unknown): Promise<void>;
  /** What is sealed in an event; undefined if it holds nothing sealed, or the reason why it does not open. */
  open(event: unknown): readonly Field[] | { readonly reason: "no-key" | "altered" } | undefined;
}

interface Known {
  readonly suite: Suite;
  readonly secret: Uint8Array;
}

/**
 * Takes:   a private key as PEM: RSA, P-256 or X25519, or SM2.
 * Fails:   with an error of OpenSSL if the PEM text is no private key.
 */
export function createOpener(privateKey: Buffer): Opener {
  createPrivateKey(privateKey);
  const secrets = new Map<string, Known>();
  return {
    async learn(event) {
      const { action, alg, key, wrapped } = dataOf(event);
      const suite = suiteOfContent(alg);
      if (action !== "seal-key" || suite === undefined || typeof key !== "string" || typeof wrapped !== "string")
        return;
      try {
        secrets.set(key, { suite, secret: await suite.unwrap(privateKey, wrapped, key) });
      } catch {
        // It was wrapped for somebody else; what it seals then says so.
      }
    },
    open(event) {
      const { sealed, passId } = dataOf(event);
      if (typeof sealed !== "object" || sealed === null) return undefined;
      const { alg, key, nonce, text } = sealed as Record<string, unknown>;
      const known = typeof key === "string" ? secrets.get(key) : undefined;
      if (known === undefined) return { reason: "no-key" };
      try {
        if (alg !== known.suite.contentAlgorithm) throw new Error("it says that it was sealed otherwise");
        const [iv, bytes] = [nonce, text].map((part) => Buffer.from(String(part), "base64url")) as [Buffer, Buffer];
        return JSON.parse(known.suite.open(known.secret, iv, `${key} ${passId}`, bytes).toString("utf8")) as Field[];
      } catch {
        return { reason: "altered" };
      }
    },
  };
}

function dataOf(event: unknown): Readonly<Record<string, unknown>> {
  const data = typeof event === "object" && event !== null ? (event as { data?: unknown }).data : undefined;
  return typeof data === "object" && data !== null ? (data as Record<string, unknown>) : {};
}
