import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { assert } from "../../lib/assert.ts";
import { limits } from "../../model/limits.ts";
import type { GatewayView } from "../port.ts";
import { exactLine, jsonLine, maskedEvent } from "./masked.ts";

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

/**
 * Sends the exact bytes of the events of [from, to], one a line.
 *
 * Cost:   holds at most `limits.leaseBytesMax` bytes of events, however many there are.
 * Fails:  if the ledger fails. An answer that cannot be finished is broken off, so that it never looks whole.
 */
export async function streamEvents(
  view: GatewayView,
  range: { readonly from: number; readonly to: number },
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  let next = range.from;
  while (next <= range.to) {
    const events = await view.events(next, range.to, limits.leaseBytesMax);
    const last = events.at(-1);
    if (last === undefined) break;
    assert(last.sequence >= next, "the ledger gives events of the range that was asked for");
    if (!response.headersSent) response.writeHead(200, lines);
    response.cork();
    for (const event of events) response.write(exactLine(event));
    response.uncork();
    next = last.sequence + 1;
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
