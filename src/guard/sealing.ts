import { createCipheriv, createPublicKey, type KeyObject, randomBytes } from "node:crypto";
import { systemTimers, type Timers } from "../lib/clock.ts";
import { readSmallFile } from "../lib/small-file.ts";
import { systemCode } from "../model/error.ts";
import { announce, type ClearedEvent, type Json } from "../model/event.ts";
import { limits } from "../model/limits.ts";
import type { Tell } from "../model/notice.ts";
import type { EpochMs } from "../model/units.ts";
import type { Field } from "./label/field.ts";

/** Seals what only the centre is to read; the gateway cannot open it again. */
export interface Sealing {
  /**
   * Takes:   `context`, what the blob belongs to: it opens in no other place.
   * Gives:   the member `sealed` of an event; undefined if there is no key now: then nothing may take its place.
   * Cost:    one AES-256-GCM, 4 µs for a label.
   * Fails:   never.
   */
  seal(fields: readonly Field[], context: string): Json | undefined;
  close(): void;
}

export interface SealingOptions {
  /** The centre's public key, PEM. */
  readonly keyFile: string;
  readonly now: () => EpochMs;
  readonly tell: Tell;
  /** Takes the event that holds a content key for the centre, before the first event that needs it. */
  readonly announce: (event: ClearedEvent) => void;
  readonly timers?: Timers;
}

/** A key for the content of some minutes: in memory only, and wrapped for the centre. */
interface ContentKey {
  readonly id: string;
  readonly secret: Buffer;
  /** Compact JWE (RFC 7516) of the secret. */
  readonly wrapped: string;
  sealedCount: number;
  firstUsedAt: EpochMs | undefined;
}

const secretBytes = 32;
const idBytes = 8;
const retryMs = 60_000;

/** What is sealed of one label; more is cut off. */
const contentBytesMax = 4_096;

/**
 * Opens sealing to a public key: RSA by RSA-OAEP-256, P-256 and X25519 by ECDH-ES+A256KW.
 *
 * A content key lives for ten minutes or 10,000 labels, so that wrapping costs nothing and a thief gets what one of them
 * sealed at most.
 *
 * Fails:   never; without a key that can be used it tells so, tries again each minute, and seals nothing meanwhile.
 */
export async function openSealing(options: SealingOptions): Promise<Sealing> {
  const { now, tell, timers = systemTimers } = options;
  let current: ContentKey | undefined;
  let next: ContentKey | undefined;
  let isWrapping = false;
  let isClosed = false;
  let isTold = false;

  async function prepare(): Promise<void> {
    if (isWrapping || next !== undefined || isClosed) return;
    isWrapping = true;
    try {
      next = await makeContentKey(options.keyFile);
      isTold = false;
    } catch (error) {
      if (!isTold) tell(noKey(options.keyFile, error));
      isTold = true;
    } finally {
      isWrapping = false;
    }
  }

  function usable(): ContentKey | undefined {
    if (current !== undefined && !isSpent(current, now())) return current;
    current?.secret.fill(0);
    current = next;
    next = undefined;
    void prepare();
    if (current === undefined) return undefined;
    current.firstUsedAt = now();
    options.announce(announce("audit", now(), { action: "seal-key", key: current.id, wrapped: current.wrapped }));
    return current;
  }

  await prepare();
  const endRetry = timers.every(retryMs, () => void prepare());
  return {
    seal(fields, context) {
      const key = usable();
      return key === undefined ? undefined : sealWith(key, fields, context);
    },
    close() {
      isClosed = true;
      endRetry();
      for (const key of [current, next]) key?.secret.fill(0);
      current = next = undefined;
    },
  };
}

function isSpent({ sealedCount, firstUsedAt }: ContentKey, at: EpochMs): boolean {
  if (sealedCount >= limits.sealedPerKeyMax) return true;
  return firstUsedAt !== undefined && Math.abs(at - firstUsedAt) >= limits.sealKeyMs;
}

function noKey(path: string, error: unknown): Parameters<Tell>[0] {
  const reason = systemCode(error) || (error instanceof Error ? error.message : "unknown reason");
  return {
    name: "guard/unsealed",
    level: "error",
    message: `Nothing can be sealed with ${path} (${reason}): what was to be sealed is dropped. Try: sortgate check`,
  };
}

async function makeContentKey(keyFile: string): Promise<ContentKey> {
  const publicKey = createPublicKey(await readSmallFile(keyFile));
  const secret = randomBytes(secretBytes);
  const id = randomBytes(idBytes).toString("base64url");
  // The library is loaded here: few sites seal.
  const { CompactEncrypt } = await import("jose");
  const header = { alg: wrapOf(publicKey), enc: "A256GCM", kid: id, typ: "sortgate-seal+jwe" };
  const wrapped = await new CompactEncrypt(secret).setProtectedHeader(header).encrypt(publicKey);
  return { id, secret, wrapped, sealedCount: 0, firstUsedAt: undefined };
}

/** The algorithm of RFC 7518 that wraps for a key; fails for keys that cannot receive. */
export function wrapOf(key: KeyObject): string {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === "rsa" && (details?.modulusLength ?? 0) >= 2_048) return "RSA-OAEP-256";
  if (type === "x25519" || (type === "ec" && details?.namedCurve === "prime256v1")) return "ECDH-ES+A256KW";
  throw new Error("it is no RSA key of 2,048 bits or more, and none of P-256 or X25519");
}

function sealWith(key: ContentKey, fields: readonly Field[], context: string): Json {
  // A counter never repeats under one key, and says nothing.
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(key.sealedCount, 6, 6);
  key.sealedCount += 1;
  const cipher = createCipheriv("aes-256-gcm", key.secret, nonce).setAAD(Buffer.from(`${key.id} ${context}`));
  const content = Buffer.from(JSON.stringify(fitting(fields)));
  const text = Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()]);
  content.fill(0);
  return { key: key.id, nonce: nonce.toString("base64url"), text: text.toString("base64url") };
}

/** As many fields as fit. */
function fitting(fields: readonly Field[]): readonly Field[] {
  let byteCount = 0;
  return fields.filter(({ value }) => {
    byteCount += Buffer.byteLength(value) + 32;
    return byteCount <= contentBytesMax;
  });
}
