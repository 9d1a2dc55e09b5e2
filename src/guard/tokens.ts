import { randomBytes } from "node:crypto";
import type { EpochMs } from "../model/units.ts";
import { type Suite, suiteOf } from "./suites/index.ts";

const dayMs = 86_400_000;
const keyBytes = 32;
const keyIdBytes = 6;
/** 128 bits: no two codes of a day share a token by chance. */
const tokenBytes = 16;

/** The keys of a few days, in memory only: with a day's key gone, nobody can tell what its tokens stood for. */
export interface TokenKeys {
  /**
   * The token of a code, the same for the same class, bytes and UTC day.
   *
   * Takes:   `at`, the first read of the pass: its summary has the same token though the day may have changed since.
   * Gives:   `t1.<key id>.<22 characters of base64url>`; `t2.…` with the national algorithms.
   * Cost:    one HMAC, linear in the code.
   */
  token(codeClass: string, code: Uint8Array, at: EpochMs): string;
  /** Erases the keys that are too old; each token does that too, so only an idle line needs the call. */
  expire(): void;
}

export interface TokenOptions {
  /** Whose keyed digest is taken; HMAC-SHA256 unless said otherwise. */
  readonly suite?: Suite;
  readonly random?: (byteCount: number) => Uint8Array;
}

interface DayKey {
  /** Drawn at random like the key, so that it says nothing about it. */
  readonly id: string;
  readonly secret: Uint8Array;
}

/**
 * Keys for tokens: one per UTC day, drawn when first needed, never written.
 *
 * Yesterday's key is kept for passes that began before midnight; tomorrow's only if the clock was set back over
 * midnight. A read that claims any other day, because the clock jumped meanwhile, gets today's key.
 */
export function createTokenKeys(
  now: () => EpochMs,
  { suite = suiteOf("intl"), random = randomBytes }: TokenOptions = {},
): TokenKeys {
  const keys = new Map<number, DayKey>();

  function expire(): number {
    const today = Math.floor(now() / dayMs);
    for (const [day, key] of keys) {
      if (Math.abs(day - today) <= 1) continue;
      key.secret.fill(0);
      keys.delete(day);
    }
    return today;
  }

  function keyOf(day: number): DayKey {
    const known = keys.get(day);
    if (known !== undefined) return known;
    const key = { id: Buffer.from(random(keyIdBytes)).toString("base64url"), secret: random(keyBytes) };
    keys.set(day, key);
    return key;
  }

  return {
    token(codeClass, code, at) {
      const today = expire();
      const day = Math.floor(at / dayMs);
      const key = keyOf(Math.abs(day - today) <= 1 ? day : today);
      const mac = suite.mac(key.secret, Buffer.from(`${codeClass}\0`, "latin1"), code);
      return `${suite.tokenMark}.${key.id}.${mac.subarray(0, tokenBytes).toString("base64url")}`;
    },
    expire() {
      expire();
    },
  };
}
