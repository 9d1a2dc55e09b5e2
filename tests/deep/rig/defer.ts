import { onTestFinished } from "vitest";

/** Puts off a clean-up to the end of the test; the last one comes first. */
export type Defer = (cleanup: () => unknown) => void;

/** For a test that runs beside others, whose context knows which one it is. */
export function deferTo(finished: (cleanup: () => Promise<void>) => void): Defer {
  return (cleanup) =>
    finished(async () => {
      await cleanup();
    });
}

/** For the one test that runs now. */
export const defer: Defer = deferTo(onTestFinished);
