import { execFileSync } from "node:child_process";

/**
 * Environment of a program whose wall clock is off by so much ("-400d", "+60d"); its monotonic clock is right.
 *
 * The library itself is named, because the faketime program stays between the test and its child.
 */
export function clockOff(offset: string): NodeJS.ProcessEnv {
  const library = execFileSync("faketime", ["-f", "+0", "printenv", "LD_PRELOAD"], { encoding: "utf8" }).trim();
  return {
    ...process.env,
    LD_PRELOAD: library,
    FAKETIME: offset,
    DONT_FAKE_MONOTONIC: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  };
}

/** The same, but the offset is read from a file at each look at the clock: so the clock can be set while it runs. */
export function clockFrom(path: string): NodeJS.ProcessEnv {
  const { FAKETIME: _offset, ...env } = clockOff("+0");
  return { ...env, FAKETIME_TIMESTAMP_FILE: path, FAKETIME_NO_CACHE: "1" };
}
