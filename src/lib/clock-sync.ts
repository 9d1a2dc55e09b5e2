import { execFile } from "node:child_process";
import { existsSync } from "node:fs";

/** Whether a time server keeps this box's clock right. */
export interface ClockSync {
  /** The last that was found out; asks nobody. */
  isSynchronized(): boolean;
  /** Whether there is a time service at all that may set the clock, as far as was found out. */
  hasTimeService(): boolean;
  close(): void;
}

export interface ClockSyncOptions {
  readonly command?: string;
  readonly markerPath?: string;
  /** How often it is asked while the clock is not synchronised, and while it is. */
  readonly askMs?: number;
  readonly settledMs?: number;
  /** An answer takes no longer. */
  readonly answerMs?: number;
}

/**
 * Follows whether a time server keeps this box's clock right, whichever program does it.
 *
 * The kernel knows (`adjtimex`), and every time daemon tells it; Node cannot ask it, `timedatectl` can. It is a process,
 * and it wakes a service of systemd each time, so it is asked once a minute, and each ten minutes once the clock is
 * right: the kernel itself takes hours to give up a clock that nobody sets any more. Where it does not answer, the marker
 * of systemd-timesyncd counts; where there is none either, the clock counts as not synchronised.
 *
 * Cost:    a stat at the start; the process runs beside this one.
 * Fails:   never.
 */
export function watchClockSync(options: ClockSyncOptions = {}): ClockSync {
  const { command = "timedatectl", markerPath = "/run/systemd/timesync/synchronized" } = options;
  const { askMs = 60_000, settledMs = 600_000, answerMs = 10_000 } = options;
  const closing = new AbortController();
  let isSynchronized = existsSync(markerPath);
  // Until it was asked, nobody can say that there is none.
  let hasTimeService = true;
  let timer: NodeJS.Timeout | undefined;

  const ask = (): void => {
    const settings = { timeout: answerMs, killSignal: "SIGKILL", signal: closing.signal } as const;
    execFile(command, ["show", "-p", "NTP", "-p", "NTPSynchronized"], settings, (error, stdout) => {
      if (closing.signal.aborted) return;
      const answer = error === null ? /^NTPSynchronized=(yes|no)$/m.exec(stdout)?.[1] : undefined;
      isSynchronized = answer === "yes" || (answer !== "no" && existsSync(markerPath));
      hasTimeService = isSynchronized || (error === null && /^NTP=yes$/m.test(stdout));
      timer = setTimeout(ask, isSynchronized ? settledMs : askMs).unref();
    });
  };
  ask();
  return {
    isSynchronized: () => isSynchronized,
    hasTimeService: () => hasTimeService,
    close() {
      clearTimeout(timer);
      closing.abort();
    },
  };
}
