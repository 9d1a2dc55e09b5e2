import { createDecipheriv, createPrivateKey, type KeyObject } from "node:crypto";
import type { Field } from "./label/field.ts";

/** Opens on the centre's side what gateways sealed to it. */
export interface Opener {
  /** Takes note of the content key in an event, if it has one that this private key unwraps. */
  learn(event: unknown): Promise<void>;
  /** What is sealed in an event; undefined if it holds nothing sealed, or the reason why it does not open. */
  open(event: unknown): readonly Field[] | { readonly reason: "no-key" | "altered" } | undefined;
}

/** Fails: with an error of OpenSSL if the PEM text is no private key. */
export async function createOpener(pem: string | Buffer): Promise<Opener> {
  const privateKey: KeyObject = createPrivateKey(pem);
  const { compactDecrypt } = await import("jose");
  const algorithms = {
    keyManagementAlgorithms: ["RSA-OAEP-256", "ECDH-ES+A256KW"],
    contentEncryptionAlgorithms: ["A256GCM"],
  };
  const secrets = new Map<string, Uint8Array>();
  return {
    async learn(event) {
      const { action, key, wrapped } = dataOf(event);
      if (action !== "seal-key" || typeof key !== "string" || typeof wrapped !== "string") return;
      try {
        const { plaintext, protectedHeader } = await compactDecrypt(wrapped, privateKey, algorithms);
        if (protectedHeader.kid === key) secrets.set(key, plaintext);
      } catch {
        // It was wrapped for somebody else; what it seals then says so.
      }
    },
    open(event) {
      const { sealed, passId } = dataOf(event);
      if (typeof sealed !== "object" || sealed === null) return undefined;
      const { key, nonce, text } = sealed as Record<string, unknown>;
      const secret = typeof key === "string" ? secrets.get(key) : undefined;
      if (secret === undefined) return { reason: "no-key" };
      try {
        const bytes = Buffer.from(String(text), "base64url");
        const decipher = createDecipheriv("aes-256-gcm", secret, Buffer.from(String(nonce), "base64url"), {
          authTagLength: 16,
        })
          .setAAD(Buffer.from(`${key} ${passId}`))
          .setAuthTag(bytes.subarray(-16));
        const content = Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]);
        return JSON.parse(content.toString("utf8")) as Field[];
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
