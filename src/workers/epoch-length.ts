import type { Ledger } from "../ledger/index.ts";
import { limits } from "../model/limits.ts";
import type { Outbox } from "./outbox.ts";

/** Whether one key has signed long enough; see `createEpochLength`. */
export interface EpochLength {
  /** An epoch has begun with this event. */
  begun(sequence: number): void;
  /** Whether the next one is to begin behind `last`. Cost: nothing, but a look at the file after some events. */
  isLong(last: number): boolean;
}

/** It costs a look at the file, so it is looked at after so many events. */
const lookCount = 1_000;

/**
 * A ledger that fills is going to destroy whole epochs, so that what is left needs nothing of them to be verified: so
 * they are short there, while otherwise a key signs for a day.
 */
export function createEpochLength(ledger: Ledger, outbox: Outbox): EpochLength {
  let begunAt = 0;
  let lookAt = 0;
  return {
    begun(sequence) {
      begunAt = sequence;
      lookAt = sequence + limits.epochEventsMin;
    },
    isLong(last) {
      if (last < lookAt) return false;
      lookAt = last + lookCount;
      const { first, usedBytes, usedBytesMax } = ledger.extent();
      if (begunAt < first) return true;
      return usedBytes > usedBytesMax / 2 || outbox.undeliveredUpTo(last) >= limits.epochEventsMin;
    },
  };
}
