import { SortgateError } from "../../src/model/error.ts";

/**
 * The result of `work`, unless it takes longer than `durationMs` or the signal aborts.
 *
 * Fails:   with what `late` makes, with `device/closed` on abort, else as `work` does. Work that is left behind goes on
 *          unheard: node-opcua cannot be told to stop.
 */
export function within<Result>(
  work: Promise<Result>,
  durationMs: number,
  signal: AbortSignal,
  late: () => SortgateError,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const settle = (how: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      how();
    };
    const abort = (): void => settle(() => reject(abandoned()));
    const timer = setTimeout(() => settle(() => reject(late())), durationMs);
    signal.addEventListener("abort", abort, { once: true });
    work.then(
      (result) => settle(() => resolve(result)),
      (error) => settle(() => reject(error)),
    );
    if (signal.aborted) abort();
  });
}

/** Resolves when `work` is done or `durationMs` is over, whichever is first; never rejects. */
export function atMost(work: Promise<unknown>, durationMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, durationMs);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    work.then(done, done);
  });
}

const abandoned = (): SortgateError =>
  new SortgateError("device/closed", "The device was let go while its connection was being opened", {
    hint: "Start the daemon again, or enable the device again",
  });
