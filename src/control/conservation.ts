import type { Status } from "./status.ts";

const sumOf = (counts: { readonly [reason: string]: number }): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

/**
 * What does not add up, one sentence each; nothing if every read and every event is accounted for.
 *
 * For each read point: reads = opened + suppressed + refused by reason + pending.
 * For the ledger: events of the chain = live + destroyed by reason.
 * For each broker: events of the chain = delivered + queued + refused + lost by reason.
 */
export function imbalances({ readPoints, brokers, queue }: Pick<Status, "readPoints" | "brokers" | "queue">): string[] {
  const found: string[] = [];
  for (const { name, readCount, openedCount, suppressedCount, refusedCount, pendingCount } of readPoints) {
    // A pass of an unknown code is opened and only then dropped by the guard.
    const { droppedUnknown = 0, ...refused } = refusedCount;
    const accounted = openedCount + suppressedCount + sumOf(refused) + pendingCount;
    if (readCount !== accounted) found.push(`Read point ${name} has ${readCount} reads and accounts for ${accounted}`);
    if (droppedUnknown > openedCount) found.push(`Read point ${name} dropped more passes than it opened`);
  }
  for (const { name, deliveredCount, queuedCount, refusedCount, lostCount } of brokers) {
    const accounted = deliveredCount + queuedCount + refusedCount + sumOf(lostCount);
    if (queue.last !== accounted)
      found.push(`Broker ${name} was given ${queue.last} events and accounts for ${accounted}`);
  }
  const { last, liveCount, destroyedCount } = queue;
  // A daemon of an earlier version gives no such account.
  if (liveCount !== undefined && last !== liveCount + sumOf(destroyedCount))
    found.push(`The chain has ${last} events and accounts for ${liveCount + sumOf(destroyedCount)}`);
  return found;
}
