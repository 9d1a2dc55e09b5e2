import { limits } from "../model/limits.ts";
import type { DraftMessage } from "./messages.ts";

/** What sealing adds to the data of a draft, roughly. */
const sealBytes = 700;

/** How many of the waiting drafts one commit takes. */
export function commitCount(waiting: readonly DraftMessage[], eventsMax: number = limits.commitEventsMax): number {
  let byteCount = 0;
  let count = 0;
  for (const { data } of waiting) {
    byteCount += data.length + sealBytes;
    if (count === eventsMax || (count > 0 && byteCount > limits.commitBytesMax)) break;
    count += 1;
  }
  return count;
}
