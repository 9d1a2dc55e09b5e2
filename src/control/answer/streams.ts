import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { assert } from "../../lib/assert.ts";
import { SortgateError } from "../../model/error.ts";
import type { SealedEvent } from "../../model/event.ts";
import type { DataOf } from "../../model/event-fields.ts";
import { limits } from "../../model/limits.ts";
import type { GatewayView, Subject } from "../port.ts";
import { exactLine, jsonLine, maskedEvent } from "./masked.ts";
import { problemBody } from "./reply.ts";

const newline = "\n";
const lines = { "content-type": "application/x-ndjson", "cache-control": "no-store" };

/** Whether there is room again; false if the client left or stood still for too long. */
async function hasRoom(response: ServerResponse, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  if (!response.writableNeedDrain) return true;
  try {
    await once(response, "drain", { signal: AbortSignal.any([signal, AbortSignal.timeout(limits.controlStallMs)]) });
    return true;
  } catch {
    return false;
  }
}

/** Breaks an answer off that has begun; its last line says why. */
function breakOff(response: ServerResponse, error: SortgateError): void {
  response.write(jsonLine(problemBody(error)), () => response.destroy());
}

const overtaken = (): SortgateError =>
  new SortgateError("control/refused", "Events were destroyed for their age or for want of room while they were read", {
    hint: "the same command again",
  });

/**
 * Sends the exact bytes of the events of [from, to], one a line.
 *
 * Takes:  `isOpen`, whether nobody named an end. Then it goes on to what is the newest event once something was seen to
 *         be erased, or not to be there: the event that says so may have come meanwhile.
 *         `leave`, which is told of events before their first byte leaves.
 * Cost:   holds at most `limits.leaseBytesMax` bytes of events, however many there are.
 * Fails:  if the ledger fails. An answer that cannot be finished is broken off, so that it never looks whole, also where
 *         events were destroyed behind those that have left.
 */
export async function streamEvents(
  view: GatewayView,
  range: { readonly from: number; readonly to: number; readonly isOpen: boolean },
  leave: (events: readonly SealedEvent[]) => void,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  let next = range.from;
  let { to } = range;
  while (next <= to) {
    const events = await view.events(next, to, limits.leaseBytesMax);
    const end = to;
    const last = events.at(-1)?.sequence;
    const isWhole = events.length === (last ?? to) - next + 1;
    if (!isWhole || events.some(({ kind }) => kind === "erased")) {
      const { queue } = await view.status();
      if (!isWhole && response.headersSent && queue.first > next) return breakOff(response, overtaken());
      if (range.isOpen) to = Math.max(to, queue.last);
    }
    if (last === undefined && to === end) break;
    if (last === undefined) continue;
    assert(last >= next, "the ledger gives events of the range that was asked for");
    if (!response.headersSent) response.writeHead(200, lines);
    leave(events);
    response.cork();
    for (const event of events) response.write(exactLine(event));
    response.uncork();
    next = last + 1;
    if (!(await hasRoom(response, signal))) {
      response.destroy();
      return;
    }
  }
  if (!response.headersSent) response.writeHead(200, lines);
  response.end();
}

/**
 * Sends each event once it is committed, masked, until the client leaves or the daemon stops.
 *
 * Loses:  events that a slow client has no room for; how many, a line `{"dropped":n}` says at their place.
 */
export async function streamWatch(view: GatewayView, response: ServerResponse, signal: AbortSignal): Promise<void> {
  let droppedCount = 0;
  const tellDropped = (): void => {
    if (droppedCount === 0) return;
    response.write(jsonLine({ dropped: droppedCount }));
    droppedCount = 0;
  };
  const stop = view.watch((event) => {
    if (response.writableLength > limits.watchBytesMax) {
      droppedCount += 1;
      return;
    }
    tellDropped();
    response.write(jsonLine(maskedEvent(event)));
  });
  try {
    response.on("drain", tellDropped);
    response.writeHead(200, lines);
    response.flushHeaders();
    if (!signal.aborted) await once(signal, "abort");
  } finally {
    stop();
    response.end();
  }
}

/** How often a client that waits for a long search hears that it goes on. */
const signMs = 2_000;

/**
 * Erases what belongs to a subject and answers with one line: what became of it, or why it could not be. Empty lines
 * before it say that the search goes on.
 *
 * Cost:   as long as the ledger is. It goes on when the client leaves; the chain says who asked, and what became of it.
 */
export async function streamErasure(
  view: GatewayView,
  subject: Subject,
  told: DataOf<"audit">,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  // Before the first event goes: an erasure that is cut short has been one too.
  view.audit("erase", told);
  const outcome = view.erase(subject).then(
    (erasure) => {
      const { count, salvagedCount, unreadableCount } = erasure;
      view.audit("erase-done", { ...told, count, salvagedCount, unreadableCount });
      return erasure;
    },
    (error: unknown) => problemBody(error),
  );
  response.writeHead(200, lines);
  response.flushHeaders();
  const signs = setInterval(() => response.write(newline), signMs);
  try {
    const left = signal.aborted ? Promise.resolve() : once(signal, "abort").then(() => undefined);
    const line = await Promise.race([outcome, left]);
    if (line === undefined) response.destroy();
    else response.end(jsonLine(line));
  } finally {
    clearInterval(signs);
  }
}
