import type { DurationMs } from "../../model/units.ts";
import { refusal } from "./reply.ts";

/**
 * The result of `work`, if it comes in time.
 *
 * Fails:  `control/refused` (503) after `durationMs`; the work itself cannot be stopped and its end is ignored.
 */
export async function within<Result>(durationMs: DurationMs, what: string, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(
          refusal(503, `The daemon could not give ${what} within ${durationMs / 1_000} s`, "journalctl -u sortgate"),
        ),
      durationMs,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Lets all who ask at the same time share one answer, so that a slow one is never asked for twice at once. */
export function shared<Result>(ask: () => Promise<Result>): () => Promise<Result> {
  let pending: Promise<Result> | undefined;
  return () => {
    pending ??= Promise.resolve()
      .then(ask)
      .finally(() => {
        pending = undefined;
      });
    return pending;
  };
}
