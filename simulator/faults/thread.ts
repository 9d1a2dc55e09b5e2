import type { Cancel, Timers } from "../../src/lib/clock.ts";
import type { Schedule } from "./schedule.ts";

/** One thread of a simulated process: does one thing at a time, and nothing while something takes long. */
export interface SimThread {
  readonly timers: Timers;
  /** Does something at `atMs`, or as soon as the thread is free then. */
  run(atMs: number, work: () => void): Cancel;
  /** What happens now takes so long: the thread is not free before. */
  block(durationMs: number): void;
  /** The time as the thread sees it: what took long has passed. */
  nowMs(): number;
  /** Nothing happens in it any more. */
  kill(): void;
}

/** How long it takes until what was put off is done. */
const soonMs = 0.05;

export function createThread(schedule: Schedule): SimThread {
  let isDead = false;
  let busyUntil = 0;

  const run = (atMs: number, work: () => void): Cancel => {
    let isOver = false;
    let cancel: Cancel = () => {};
    const attempt = (): void => {
      if (isDead || isOver) return;
      if (busyUntil > schedule.nowMs()) cancel = schedule.at(busyUntil, attempt);
      else work();
    };
    cancel = schedule.at(atMs, attempt);
    return () => {
      isOver = true;
      cancel();
    };
  };

  return {
    run,
    timers: {
      after: (durationMs, work) => run(schedule.nowMs() + Math.max(durationMs, 1), work),
      every(intervalMs, work) {
        let isOver = false;
        schedule.every(intervalMs, () => {
          if (isDead || isOver) return false;
          // As in Node, what repeats is not made up for: a thread that is busy just does it later.
          if (busyUntil <= schedule.nowMs()) work();
          return !isOver;
        });
        return () => {
          isOver = true;
        };
      },
      soon: (work) => void run(Math.max(schedule.nowMs(), busyUntil) + soonMs, work),
    },
    block(durationMs) {
      busyUntil = Math.max(busyUntil, schedule.nowMs()) + durationMs;
    },
    nowMs: () => Math.max(schedule.nowMs(), busyUntil),
    kill() {
      isDead = true;
    },
  };
}

/** A way for messages from one thread to another. */
export interface Channel<Message> {
  post(message: Message): void;
  /** The oldest message that has come and was not received yet. */
  poll(): Message | undefined;
}

/** Messages are received in order, each after a while. */
export function createChannel<Message>(
  schedule: Schedule,
  from: SimThread,
  to: SimThread,
  latencyMs: () => number,
  receive: (message: Message) => void,
): Channel<Message> {
  const waiting: { readonly message: Message; readonly comesAt: number }[] = [];
  let lastAt = 0;
  const poll = (): Message | undefined => {
    const [first] = waiting;
    return first !== undefined && first.comesAt <= to.nowMs() ? waiting.shift()?.message : undefined;
  };
  return {
    post(message) {
      lastAt = Math.max(lastAt, from.nowMs(), schedule.nowMs()) + latencyMs();
      waiting.push({ message, comesAt: lastAt });
      to.run(lastAt, () => {
        // It may have been polled before.
        const next = poll();
        if (next !== undefined) receive(next);
      });
    },
    poll,
  };
}
