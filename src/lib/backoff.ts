/** How long to wait between attempts. All times in milliseconds. */
export interface BackoffPolicy {
  /** The first wait is drawn from 0 to this. */
  readonly baseMs: number;
  /** No wait is longer than this. */
  readonly capMs: number;
  /** After this long without a failure the waits start from `baseMs` again. */
  readonly stableMs: number;
}

export interface Backoff {
  /** The next wait: a draw from 0 to min(cap, base × 2^failures), so that boxes that failed together return apart. */
  nextMs(): number;
  /** Tells that an attempt held for `upMs`; resets the waits if that was long enough. */
  held(upMs: number): void;
  /** Tells that an attempt succeeded: the waits start from `baseMs` again. */
  reset(): void;
}

/**
 * Exponential back-off with full jitter.
 *
 * Source: the "full jitter" scheme of the AWS Architecture Blog, "Exponential Backoff And Jitter" (2015).
 */
export function createBackoff(policy: BackoffPolicy, random: () => number = Math.random): Backoff {
  let failureCount = 0;
  return {
    nextMs() {
      const ceilingMs = Math.min(policy.capMs, policy.baseMs * 2 ** Math.min(failureCount, 30));
      failureCount += 1;
      return random() * ceilingMs;
    },
    held(upMs) {
      if (upMs >= policy.stableMs) failureCount = 0;
    },
    reset() {
      failureCount = 0;
    },
  };
}
