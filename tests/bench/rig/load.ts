// The other side of a benchmark: sends parcels over the wires and receives their events, in a process of its own.
import { createInterface } from "node:readline";
import { openNullBroker } from "./null-broker.ts";
import { lineBytes, linesOf, parcelIn } from "./parcels.ts";
import { subscribe } from "./subscriber.ts";
import { openSerialWire, openTcpWire, type Wire } from "./wires.ts";

/** What is asked of the process, as one JSON argument. */
export interface LoadOrder {
  /** Where to subscribe; absent if the load itself is the broker, one that costs next to nothing. */
  readonly brokerPort?: number;
  readonly wires: readonly ("serial" | "tcp")[];
  /** Parcels on their way at once, as fast as they come; or parcels per second, come what may. */
  readonly pace: { readonly window: number } | { readonly rate: number };
  /** Reads of each parcel. */
  readonly copies: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** Number of the first parcel: those below it that arrive are a backlog, and are counted apart. */
  readonly firstParcel?: number;
}

/** Where a contender finds the load. */
export interface LoadPlace {
  readonly addresses: readonly string[];
  /** The broker within the load, if it is one. */
  readonly brokerPort?: number;
}

/** What it measured; counts and latencies are of the parcels sent after the warm-up. */
export interface LoadResult {
  readonly seconds: number;
  readonly sent: number;
  readonly received: number;
  readonly missing: number;
  readonly doubled: number;
  /** From the write to the wire to the arrival at the subscriber, in ms. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  /** Parcels of the backlog that arrived, and from the start of the load to the last of them. */
  readonly backlog: number;
  readonly backlogSeconds: number;
}

const parcelsMax = 8_000_000;
/** Nothing new for this long after the last parcel was sent: what is missing by then is lost. */
const quietMs = 3_000;

const order = JSON.parse(process.argv[2] ?? "{}") as LoadOrder;
const sentAt = new Float64Array(parcelsMax);
const latency = new Float32Array(parcelsMax);
const seen = new Uint8Array(parcelsMax);
const firstParcel = order.firstParcel ?? 0;
let sent = 0;
let received = 0;
let doubled = 0;
let lastArrivalAt = 0;
let backlog = 0;
let backlogAt = 0;
let startedAt = performance.now();

function arrived(bytes: Buffer, start: number, end: number): void {
  const number = parcelIn(bytes, start, end);
  if (number < 0) return;
  lastArrivalAt = performance.now();
  if (number < firstParcel) {
    backlog += 1;
    backlogAt = lastArrivalAt;
    return;
  }
  const parcel = number - firstParcel;
  if (parcel >= sent) return;
  if (seen[parcel] === 1) {
    doubled += 1;
    return;
  }
  seen[parcel] = 1;
  latency[parcel] = lastArrivalAt - sentAt[parcel]!;
  received += 1;
}

function say(message: unknown): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

/** Sends up to `count` parcels, spread over the wires; what a wire does not take now is tried again on the next turn. */
function send(wires: readonly Wire[], waiting: (Buffer | undefined)[], count: number): void {
  const share = Math.ceil(count / wires.length);
  let left = count;
  for (const [index, wire] of wires.entries()) {
    const kept = waiting[index];
    if (kept !== undefined) {
      if (!wire.write(kept)) continue;
      waiting[index] = undefined;
    }
    const parcels = Math.min(share, left, Math.max(1, Math.floor(60_000 / (lineBytes * order.copies))));
    if (parcels <= 0) continue;
    const now = performance.now();
    for (let parcel = sent; parcel < sent + parcels; parcel += 1) sentAt[parcel] = now;
    const bytes = linesOf(firstParcel + sent, parcels, order.copies);
    sent += parcels;
    left -= parcels;
    if (!wire.write(bytes)) waiting[index] = bytes;
  }
}

/** Feeds until the time is over: a pace is time itself, so it waits by the clock and for nothing that is told. Gives where the measured stretch began and how it ended. */
async function feed(wires: readonly Wire[]): Promise<{ firstParcel: number; seconds: number; arrivals: number }> {
  const waiting: (Buffer | undefined)[] = wires.map(() => undefined);
  startedAt = performance.now();
  const measuredFrom = startedAt + order.warmUpSeconds * 1_000;
  const endAt = measuredFrom + order.seconds * 1_000;
  let first: { parcel: number; received: number; at: number } | undefined;
  for (let now = startedAt; now < endAt; now = performance.now()) {
    if (first === undefined && now >= measuredFrom) {
      first = { parcel: sent, received, at: now };
      say({ measuring: true });
    }
    if ("window" in order.pace) {
      const room = order.pace.window - (sent - received);
      if (room >= order.pace.window / 4 || waiting.some((bytes) => bytes !== undefined)) send(wires, waiting, room);
      await new Promise<void>((resolve) => setTimeout(resolve, 1));
    } else {
      const due = Math.floor(((now - startedAt) / 1_000) * order.pace.rate) - sent;
      if (due > 0 || waiting.some((bytes) => bytes !== undefined)) send(wires, waiting, due);
      await new Promise<void>((resolve) => setTimeout(resolve, 1));
    }
  }
  const { parcel, received: receivedBefore, at } = first ?? { parcel: 0, received: 0, at: startedAt };
  const result = {
    firstParcel: parcel,
    seconds: (performance.now() - at) / 1_000,
    arrivals: received - receivedBefore,
  };
  say({ measured: true });
  while (waiting.some((bytes) => bytes !== undefined)) {
    send(wires, waiting, 0);
    await new Promise<void>((resolve) => setTimeout(resolve, 1));
  }
  lastArrivalAt = performance.now();
  while ((received < sent || backlog > 0) && performance.now() - lastArrivalAt < quietMs)
    await new Promise<void>((resolve) => setTimeout(resolve, 10));
  return result;
}

function judge({ firstParcel, seconds, arrivals }: Awaited<ReturnType<typeof feed>>): LoadResult {
  const times: number[] = [];
  // Beside a backlog, only while there was one.
  const untilMs = backlog > 0 ? backlogAt : Number.POSITIVE_INFINITY;
  for (let parcel = firstParcel; parcel < sent; parcel += 1)
    if (seen[parcel] === 1 && sentAt[parcel]! <= untilMs) times.push(latency[parcel]!);
  times.sort((a, b) => a - b);
  const quantile = (share: number): number =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? NaN;
  return {
    seconds,
    sent: sent - firstParcel,
    received: arrivals,
    missing: sent - received,
    doubled,
    p50: quantile(0.5),
    p99: quantile(0.99),
    p999: quantile(0.999),
    backlog,
    backlogSeconds: (backlogAt - startedAt) / 1_000,
  };
}

const wires = await Promise.all(order.wires.map((wire) => (wire === "serial" ? openSerialWire() : openTcpWire())));
const far =
  order.brokerPort === undefined ? await openNullBroker(arrived) : await subscribe(order.brokerPort, "#", arrived);
say({ place: { addresses: wires.map((wire) => wire.address), ...("port" in far ? { brokerPort: far.port } : {}) } });
const input = createInterface({ input: process.stdin });
await new Promise<void>((resolve) => input.once("line", () => resolve()));
say({ result: judge(await feed(wires)) });
far.close();
await Promise.all(wires.map((wire) => wire.close()));
input.close();
process.exit(0);
