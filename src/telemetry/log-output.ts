import { writeSync } from "node:fs";
import { systemCode } from "../model/error.ts";
import { limits } from "../model/limits.ts";

/** Where finished log lines go. */
export interface LogOutput {
  /** Takes one line with its line break; returns at once and never throws. */
  write(line: string): void;
  /** Writes what waits before it returns, unless nobody reads. Never throws. */
  flush(): void;
  /** How many lines were lost since the last call; 0 while there is no room to say so. */
  takeLost(): number;
}

/** A full pipe is tried again after this long. */
const againMs = 50;
/** At the end, a reader gets this long to make room; longer would hang the exit. */
const lastCallMs = 1_000;

/** Stops this thread; only for the last moments of the process. */
function hold(durationMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
}

/**
 * Writes log lines to stdout, each at once, without ever waiting for the reader.
 *
 * Pino's own destination is not used. Its synchronous form stops the belt while a reader is slow; its asynchronous form
 * leaves a thread in `write`, so that the process cannot exit before the reader moves; and its flush never returns once
 * the reader has gone (sonic-boom 4, `flushSync` on EPIPE).
 *
 * Loses:  lines beyond `limits.logBytesMax` that wait for a slow reader, and all that a vanished reader did not take.
 */
export function createStdoutLog(): LogOutput {
  // Asking for it makes Node set a pipe or socket to non-blocking, which is what `writeSync` below relies on.
  return createLogOutput(process.stdout.fd);
}

/** The same for any file descriptor; it must be non-blocking or a file. */
export function createLogOutput(fd: number): LogOutput {
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let lostCount = 0;
  let timer: NodeJS.Timeout | undefined;

  /** Writes until all is out or the reader has to make room. */
  const drain = (): void => {
    let first = waiting[0];
    while (first !== undefined) {
      try {
        const count = writeSync(fd, first);
        waitingBytes -= count;
        if (count < first.length) waiting[0] = first.subarray(count);
        else waiting.shift();
      } catch (error) {
        if (systemCode(error) === "EAGAIN") return;
        // Nobody will ever read again, or the disk behind it is full.
        lostCount += waiting.length;
        waiting = [];
        waitingBytes = 0;
        return;
      }
      first = waiting[0];
    }
  };
  const drainLater = (): void => {
    if (waiting.length === 0 || timer !== undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      drain();
      drainLater();
    }, againMs).unref();
  };

  return {
    write(line) {
      const bytes = Buffer.from(line);
      if (waitingBytes + bytes.length > limits.logBytesMax) {
        lostCount += 1;
        return;
      }
      waiting.push(bytes);
      waitingBytes += bytes.length;
      if (timer === undefined) drain();
      drainLater();
    },
    flush() {
      const giveUpAt = performance.now() + lastCallMs;
      drain();
      while (waiting.length > 0 && performance.now() < giveUpAt) {
        hold(againMs);
        drain();
      }
    },
    takeLost() {
      if (waitingBytes > limits.logBytesMax / 2) return 0;
      const count = lostCount;
      lostCount = 0;
      return count;
    },
  };
}
