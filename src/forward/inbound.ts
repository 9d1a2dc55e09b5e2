import { limits } from "../model/limits.ts";
import type { MonotonicMs } from "../model/units.ts";

/** Watches how much a broker sends: answers and, where the config says so, orders of the centre, which are few and small. */
export interface InboundBudget {
  /** Something was published or asked for: its answer may come. */
  published(): void;
  /** Bytes came. False: more than answers can be. */
  received(byteCount: number, now: MonotonicMs): boolean;
}

/** An acknowledgement with a reason in words; most are four bytes. */
const answerBytesMax = 512;
/** Pings, and what a broker says by itself. */
const bytesPerMs = 4;

/** A broker may send this much at once, 4 kB more each second, and 512 bytes more for each publish. */
export function createInboundBudget(now: MonotonicMs): InboundBudget {
  let room: number = limits.inboundBytesMax;
  let countedAt = now;
  const grow = (byteCount: number): void => {
    room = Math.min(limits.inboundBytesMax, room + byteCount);
  };
  return {
    published: () => grow(answerBytesMax),
    received(byteCount, at) {
      grow((at - countedAt) * bytesPerMs);
      countedAt = at;
      room -= byteCount;
      return room >= 0;
    },
  };
}
