import type { Backlog } from "../../src/forward/index.ts";
import type { SealedEvent } from "../../src/model/event.ts";

export interface TestBacklog extends Backlog {
  readonly settled: Set<number>;
  /** Sequence → why the broker will never take it. */
  readonly refused: Map<number, string>;
  /** The most events that were handed out and not settled. */
  mostOut: number;
  add(event: SealedEvent): void;
}

/** The forwarder's own port, in memory: hands out what was not settled, and remembers what was asked for. */
export function createBacklog(events: SealedEvent[]): TestBacklog {
  const settled = new Set<number>();
  const refused = new Map<number, string>();
  let wanted = 0;
  let out = new Set<number>();
  let deliver: ((events: readonly SealedEvent[]) => void) | undefined;
  const serve = (): void => {
    const next = events.filter((event) => !settled.has(event.sequence) && !out.has(event.sequence)).slice(0, wanted);
    if (next.length === 0) return;
    wanted -= next.length;
    for (const event of next) out.add(event.sequence);
    backlog.mostOut = Math.max(backlog.mostOut, out.size);
    deliver?.(next);
  };
  const backlog = {
    settled,
    refused,
    mostOut: 0,
    add(event: SealedEvent) {
      events.push(event);
      serve();
    },
    connect(onEvents: (events: readonly SealedEvent[]) => void) {
      deliver = onEvents;
      wanted = 0;
      out = new Set();
      return {
        want(count: number) {
          wanted += count;
          setImmediate(serve);
        },
        settle(sequences: readonly number[], refusals: readonly { sequence: number; reason: string }[]) {
          for (const { sequence, reason } of refusals) refused.set(sequence, reason);
          for (const sequence of sequences) {
            settled.add(sequence);
            out.delete(sequence);
          }
        },
        async written() {},
        close() {
          deliver = undefined;
        },
      };
    },
  };
  return backlog;
}
