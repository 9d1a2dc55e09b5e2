// The other side of an outage: parcels come in while no broker is there; when it is back, their events are counted.
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { limits } from "../../../src/model/limits.ts";
import { lineBytes, linesOf, parcelIn } from "./parcels.ts";
import { type Subscriber, subscribe } from "./subscriber.ts";
import { openTcpWire } from "./wires.ts";

/** What is asked of the process, as one JSON argument. */
export interface OutageOrder {
  readonly brokerPort: number;
  /** Parcels that have come in at each halt, rising: at each the process waits for a line. */
  readonly halts: readonly number[];
}

/** What came when the broker was back. */
export interface OutageResult {
  /** Arrivals a second, from the first to the last. */
  readonly perSecond: number;
  readonly missing: number;
}

/** Nothing new for this long: what is missing by then does not come. */
const quietMs = 15_000;
/** The first comes when the contender tries the broker again, which it does less and less often. */
const returnMs = limits.backoff.capMs + quietMs;

const order = JSON.parse(process.argv[2] ?? "{}") as OutageOrder;
const count = order.halts.at(-1) ?? 0;
const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const wire = await openTcpWire();

function say(message: unknown): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

/** As fast as the wire takes them: TCP makes the sender wait, so that nothing is lost here. */
async function send(first: number, end: number): Promise<void> {
  const atOnce = Math.floor(16_384 / lineBytes);
  for (let at = first; at < end; at += atOnce) {
    const bytes = linesOf(at, Math.min(atOnce, end - at));
    while (!wire.write(bytes)) await pause(1);
  }
}

/** The first that the new broker serves, unless the contender is there within the same few milliseconds. */
async function subscribed(onMessage: (bytes: Buffer, start: number, end: number) => void): Promise<Subscriber> {
  for (;;) {
    const subscriber = await subscribe(order.brokerPort, "#", onMessage).catch(() => undefined);
    if (subscriber !== undefined) return subscriber;
    await pause(2);
  }
}

async function drained(): Promise<OutageResult> {
  const seen = new Uint8Array(count);
  let [arrivals, firstAt, lastAt] = [0, 0, performance.now()];
  const subscriber = await subscribed((bytes, start, end) => {
    const parcel = parcelIn(bytes, start, end);
    if (parcel < 0 || parcel >= count || seen[parcel] === 1) return;
    seen[parcel] = 1;
    lastAt = performance.now();
    if (arrivals === 0) firstAt = lastAt;
    arrivals += 1;
  });
  while (arrivals < count && performance.now() - lastAt < (arrivals === 0 ? returnMs : quietMs)) await pause(10);
  subscriber.close();
  return { perSecond: (arrivals * 1_000) / (lastAt - firstAt), missing: count - arrivals };
}

say({ address: wire.address });
let sent = 0;
for (const halt of order.halts) {
  await input.next();
  await send(sent, halt);
  sent = halt;
  say({ sent });
}
await input.next();
say({ result: await drained() });
await wire.close();
process.exit(0);
