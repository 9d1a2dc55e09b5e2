import type { SealedEvent } from "../model/event.ts";
import type { EventBatch, PortionBatch } from "./messages.ts";
import type { Portion } from "./views.ts";

/** Puts events into one buffer that can be handed to another thread without a copy. */
export function packEvents(events: readonly SealedEvent[]): EventBatch {
  let byteCount = 0;
  for (const event of events) byteCount += event.bytes.length;
  const bytes = new Uint8Array(byteCount);
  const ends: number[] = [];
  let end = 0;
  for (const event of events) {
    bytes.set(event.bytes, end);
    end += event.bytes.length;
    ends.push(end);
  }
  return {
    sequences: events.map((event) => event.sequence),
    kinds: events.map((event) => event.kind),
    subjects: events.map((event) => event.subject),
    origins: events.map((event) => event.origin),
    ends,
    bytes,
  };
}

/** The same of what one broker is to get. */
export function packPortion(events: Portion): PortionBatch {
  return packEvents(events) as PortionBatch;
}

/** The events of a batch; their bytes are views into its buffer. */
export function unpackEvents(batch: EventBatch): SealedEvent[] {
  return batch.sequences.map((sequence, index) => ({
    sequence,
    kind: batch.kinds[index]!,
    subject: batch.subjects[index],
    origin: batch.origins[index],
    bytes: batch.bytes.subarray(index === 0 ? 0 : batch.ends[index - 1]!, batch.ends[index]!),
  }));
}
