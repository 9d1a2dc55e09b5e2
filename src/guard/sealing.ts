import { randomBytes } from "node:crypto";
import { systemTimers, type Timers } from "../lib/clock.ts";
import { systemCode } from "../model/error.ts";
import { announce, type ClearedEvent, type Json } from "../model/event.ts";
import { limits } from "../model/limits.ts";
import type { Tell } from "../model/notice.ts";
import type { EpochMs } from "../model/units.ts";
import type { Field } from "./label/field.ts";
import { type Receiver, readReceiver, type SealKey, whyInvalid } from "./receiver.ts";
import type { Suite } from "./suites/index.ts";

/** Seals what only the centre is to read; the gateway cannot open it again. */
export interface Sealing {
  /**
   * Takes:   `context`, what the blob belongs to: it opens in no other place.
   * Gives:   the member `sealed` of an event; undefined if there is no key now: then nothing may take its place.
   * Cost:    one encryption: 4 µs for a label with AES-256-GCM, 20 with SM4 and SM3.
   * Fails:   never.
   */
  seal(fields: readonly Field[], context: string): Json | undefined;
  /** Whether there is a key; without one, what is to be sealed is dropped. */
  isReady(): boolean;
  /** What is sealed to, from the first time that it could be; what lies in the file later counts from the next start. */
  key(): SealKey | undefined;
  close(): void;
}

export interface SealingOptions {
  readonly suite: Suite;
  /** The centre's public key, PEM. */
  readonly keyFile: string;
  readonly now: () => EpochMs;
  readonly tell: Tell;
  /** Takes the event that holds a content key for the centre, before the first event that needs it; false if it cannot. */
  readonly announce: (event: ClearedEvent) => boolean;
  readonly timers?: Timers;
}

/** A key for the content of some minutes: in memory only, and wrapped for the centre. */
interface ContentKey {
  readonly id: string;
  readonly secret: Buffer;
  /** The secret as the suite wraps it. */
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
 * Opens sealing to a public key, by the algorithms of a suite.
 *
 * A content key lives for ten minutes or 10,000 labels, so that wrapping costs nothing and a thief gets what one of them
 * sealed at most.
 *
 * Fails:   never; without a key that can be used, or outside the time of its certificate, it tells so, tries again each
 *          minute, and seals nothing meanwhile; that it seals again it tells too.
 */
export async function openSealing(options: SealingOptions): Promise<Sealing> {
  const { suite, now, tell, timers = systemTimers } = options;
  let receiver: Receiver | undefined;
  let current: ContentKey | undefined;
  let next: ContentKey | undefined;
  let isWrapping = false;
  let isClosed = false;
  let isTold = false;

  async function prepare(): Promise<void> {
    if (isWrapping || next !== undefined || isClosed) return;
    isWrapping = true;
    try {
      const found = receiver ?? (await readReceiver(options.keyFile));
      const reason = whyInvalid(found, now());
      if (reason !== undefined) throw new Error(reason);
      const made = await makeContentKey(suite, found);
      receiver = found;
      if (isClosed) made.secret.fill(0);
      else next = made;
      if (isTold && !isClosed) tellAgain();
      isTold = false;
    } catch (error) {
      if (!isTold) tell(noKey(options.keyFile, error));
      if (!isTold) options.announce(announce("alarm", now(), { alarm: "unsealed", state: "raised" }));
      isTold = true;
    } finally {
      isWrapping = false;
    }
  }

  function tellAgain(): void {
    const message = `What is to be sealed is sealed from now on, with ${options.keyFile}`;
    tell({ name: "guard/sealing", level: "info", message });
    options.announce(announce("alarm", now(), { alarm: "unsealed", state: "cleared" }));
  }

  function forget(): void {
    current?.secret.fill(0);
    current = undefined;
  }

  /** Before the certificate begins and behind its end nothing is sealed. */
  function endKeys(): boolean {
    if (receiver === undefined || whyInvalid(receiver, now()) === undefined) return false;
    forget();
    next?.secret.fill(0);
    next = undefined;
    void prepare();
    return true;
  }

  function usable(): ContentKey | undefined {
    if (endKeys()) return undefined;
    if (current !== undefined && !isSpent(current, now())) return current;
    forget();
    // Without it in the chain nobody could open what it seals.
    if (next === undefined || !options.announce(keyEvent(suite, next, receiver!, now()))) return undefined;
    current = next;
    current.firstUsedAt = now();
    next = undefined;
    void prepare();
    return current;
  }

  await prepare();
  const endRetry = timers.every(retryMs, () => {
    // An idle line keeps no key for longer than a busy one.
    if (current !== undefined && isSpent(current, now())) forget();
    if (endKeys()) return;
    void prepare();
  });
  return {
    seal(fields, context) {
      const key = usable();
      return key === undefined ? undefined : sealWith(suite, key, fields, context);
    },
    isReady: () => !endKeys() && (current !== undefined || next !== undefined),
    key: () => receiver,
    close() {
      isClosed = true;
      endRetry();
      for (const key of [current, next]) key?.secret.fill(0);
      current = next = undefined;
    },
  };
}

function keyEvent(suite: Suite, { id: key, wrapped }: ContentKey, to: SealKey, at: EpochMs): ClearedEvent {
  const alg = suite.contentAlgorithm;
  return announce("audit", at, { action: "seal-key", alg, key, receiver: to.fingerprint, wrapped });
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

async function makeContentKey(suite: Suite, { pem: publicKey }: Receiver): Promise<ContentKey> {
  const secret = randomBytes(secretBytes);
  const id = randomBytes(idBytes).toString("base64url");
  return { id, secret, wrapped: await suite.wrap(publicKey, secret, id), sealedCount: 0, firstUsedAt: undefined };
}

function sealWith(suite: Suite, key: ContentKey, fields: readonly Field[], context: string): Json {
  // A counter never repeats under one key, and says nothing. The suite may count blocks in the last four bytes.
  const nonce = Buffer.alloc(suite.nonceBytes);
  nonce.writeUIntBE(key.sealedCount, 0, 6);
  key.sealedCount += 1;
  const content = Buffer.from(JSON.stringify(fitting(fields)));
  const text = suite.seal(key.secret, nonce, `${key.id} ${context}`, content);
  content.fill(0);
  const alg = suite.contentAlgorithm;
  return { alg, key: key.id, nonce: nonce.toString("base64url"), text: text.toString("base64url") };
}

/** As many fields as fit, the one that does not cut off with a mark. */
function fitting(fields: readonly Field[]): readonly Field[] {
  const kept: Field[] = [];
  let left = contentBytesMax;
  for (const { kind, value } of fields) {
    if (left < cutMark.length) break;
    const bytes = Buffer.from(value);
    const isCut = bytes.length > left;
    kept.push({ kind, value: isCut ? bytes.toString("utf8", 0, left) + cutMark : value });
    left -= bytes.length;
  }
  return kept;
}

/** Stands behind a value that did not fit. */
const cutMark = " …";
