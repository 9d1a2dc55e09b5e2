import { monitorEventLoopDelay } from "node:perf_hooks";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Registry } from "prom-client";
import type { BrokerStatus, DeviceStatus, ReadPointStatus, Status } from "./status.ts";

/** Makes the Prometheus text of a status. */
export interface Metrics {
  render(status: Status, notices: ReadonlyMap<string, number>): Promise<string>;
  /** Stops measuring the event loop. */
  close(): void;
}

/** Source: Prometheus text format 0.0.4. */
export const metricsContentType = "text/plain; version=0.0.4; charset=utf-8";

/** Where the families of one scrape go. The library is loaded by the first scrape: most of a start is loading. */
interface Families {
  readonly library: typeof import("prom-client");
  readonly registry: Registry;
}

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [value: number, labels?: Labels];

/** Adds one family of numbers. Numbers that are no numbers are left out: Prometheus has nothing for "not known". */
function add(
  { library, registry }: Families,
  type: "counter" | "gauge",
  name: string,
  help: string,
  samples: readonly Sample[],
): void {
  // A family without labels and without a number would be rendered as 0.
  if (samples.length === 1 && !Number.isFinite(samples[0]![0])) return;
  const labelNames = Object.keys(samples[0]?.[1] ?? {});
  const settings = { name: `sortgate_${name}`, help, labelNames, registers: [registry] };
  const metric = type === "counter" ? new library.Counter(settings) : new library.Gauge(settings);
  for (const [value, labels] of samples) if (Number.isFinite(value)) metric.inc(labels ?? {}, value);
}

const flag = (up: boolean): number => (up ? 1 : 0);

function addGateway(families: Families, { gateway, chain, queue }: Status): void {
  const build = { version: gateway.software, node: process.versions.node, site: gateway.site, gateway: gateway.id };
  add(families, "gauge", "build_info", "Always 1; the labels say what runs.", [[1, build]]);
  add(families, "gauge", "ready", "Whether the gateway takes reads.", [[flag(gateway.ready)]]);
  add(families, "gauge", "clock_synced", "Whether the clock of the box is set by a time server.", [
    [flag(gateway.clockSynced)],
  ]);
  add(families, "gauge", "uptime_seconds", "Time since the start.", [[gateway.upMs / 1_000]]);
  add(families, "gauge", "chain_sequence", "Sequence of the newest event.", [[chain.sequence]]);
  add(families, "gauge", "ledger_bytes", "Bytes of the ledger on disk, and its cap.", [
    [queue.fileBytes, { part: "file" }],
    [queue.walBytes, { part: "wal" }],
    [queue.usedBytes, { part: "used" }],
    [queue.bytesMax, { part: "max" }],
  ]);
  add(families, "gauge", "hours_until_full", "Hours until the ledger is full; absent if never, as things go.", [
    [queue.hoursUntilFull ?? Number.NaN],
  ]);
  add(families, "gauge", "uncommitted_events", "Events that are not on disk yet.", [[queue.uncommittedCount]]);
  add(families, "gauge", "live_events", "Events of the chain that are on disk.", [[queue.liveCount]]);
  add(
    families,
    "counter",
    "destroyed_events_total",
    "Events of the chain that are destroyed, by reason; with the live ones they are all of it.",
    Object.entries(queue.destroyedCount).map(([reason, count]) => [count, { reason }]),
  );
  add(families, "counter", "lost_events_total", "Events destroyed before every broker had them.", [[queue.lostCount]]);
  add(families, "counter", "dropped_events_total", "Events that did not reach the ledger.", [[queue.droppedCount]]);
}

function addDevices(families: Families, devices: readonly DeviceStatus[]): void {
  const each = (value: (device: DeviceStatus) => number): Sample[] =>
    devices.map((device) => [value(device), { device: device.name }]);
  add(
    families,
    "gauge",
    "device_up",
    "Whether the device answers.",
    each((device) => flag(device.state === "up" || device.state === "paused")),
  );
  add(
    families,
    "gauge",
    "device_paused",
    "Whether the device is made to wait.",
    each((device) => flag(device.state === "paused")),
  );
  add(
    families,
    "counter",
    "reads_total",
    "Reads that the device claimed.",
    each((device) => device.readCount),
  );
  add(
    families,
    "counter",
    "noreads_total",
    "Parcels without a code.",
    each((device) => device.noReadCount),
  );
  add(
    families,
    "counter",
    "malformed_total",
    "Frames that could not be decoded.",
    each((device) => device.malformedCount),
  );
  add(
    families,
    "counter",
    "discarded_bytes_total",
    "Bytes that belonged to no frame.",
    each((device) => device.discardedByteCount),
  );
}

function addReadPoints(families: Families, readPoints: readonly ReadPointStatus[]): void {
  const each = (value: (point: ReadPointStatus) => number): Sample[] =>
    readPoints.map((point) => [value(point), { read_point: point.name }]);
  add(
    families,
    "counter",
    "read_point_reads_total",
    "Reads that came in.",
    each((point) => point.readCount),
  );
  add(
    families,
    "counter",
    "read_point_opened_total",
    "Passes that began.",
    each((point) => point.openedCount),
  );
  add(
    families,
    "counter",
    "read_point_suppressed_total",
    "Reads of passes that were open already.",
    each((point) => point.suppressedCount),
  );
  add(
    families,
    "counter",
    "read_point_evicted_total",
    "Passes closed early for want of room.",
    each((point) => point.evictedCount),
  );
  add(
    families,
    "gauge",
    "read_point_passes",
    "Passes that are open now.",
    each((point) => point.liveCount),
  );
  const refused = readPoints.flatMap((point) =>
    Object.entries(point.refusedCount).map(([reason, count]): Sample => [count, { read_point: point.name, reason }]),
  );
  add(families, "counter", "refused_total", "Reads that were refused, by reason.", refused);
}

function addLabels(families: Families, { labels, shippers = [] }: Status): void {
  const all = labels.map(({ format, labelCount }): Sample => [labelCount, { format }]);
  const leaking = labels.map(({ format, leakingCount }): Sample => [leakingCount, { format }]);
  add(families, "counter", "labels_total", "Labels that were taken apart.", all);
  add(families, "counter", "leaking_labels_total", "Labels that show core data of a person in clear.", leaking);
  add(
    families,
    "counter",
    "leaking_shipper_labels_total",
    "The same by who prints them, the beginning of their number: fifty apart, all others as other, none without a number.",
    shippers.map(({ shipper, leakingCount }): Sample => [leakingCount, { shipper }]),
  );
}

/** Nothing where no broker is asked for orders. */
function addOrders(families: Families, { brokers, orders }: Status): void {
  const asked = brokers.flatMap(({ name, orders }): Sample[] =>
    orders === undefined ? [] : [[flag(orders.subscribed), { broker: name }]],
  );
  if (asked.length > 0)
    add(families, "gauge", "orders_subscribed", "Whether the centre's orders can come by the broker.", asked);
  if (orders === undefined) return;
  const refused = Object.entries(orders.refusedCount).map(([reason, count]): Sample => [count, { reason }]);
  add(families, "gauge", "orders_last", "Number of the last order that was carried out.", [
    [orders.last ?? Number.NaN],
  ]);
  add(families, "gauge", "orders_waiting", "Orders that are not done yet.", [[orders.waitingCount]]);
  add(families, "gauge", "orders_delayed", "Whether one could not be done and is tried again.", [
    [flag(orders.delayed !== undefined)],
  ]);
  if (refused.length > 0)
    add(families, "counter", "orders_refused_total", "Orders that were refused, by reason.", refused);
}

function addBrokers(families: Families, brokers: readonly BrokerStatus[]): void {
  const each = (value: (broker: BrokerStatus) => number): Sample[] =>
    brokers.map((broker) => [value(broker), { broker: broker.name }]);
  add(
    families,
    "gauge",
    "broker_up",
    "Whether the broker is connected.",
    each((broker) => flag(broker.state === "up")),
  );
  add(
    families,
    "gauge",
    "queue_events",
    "Events that the broker does not have yet.",
    each((broker) => broker.queuedCount),
  );
  add(
    families,
    "gauge",
    "queue_oldest_seconds",
    "Age of the oldest of them.",
    each((broker) => broker.oldestQueuedMs / 1_000),
  );
  add(
    families,
    "gauge",
    "hours_until_drained",
    "Hours until the broker has all; absent if never, as things go.",
    each((broker) => broker.hoursUntilDrained ?? Number.NaN),
  );
  add(
    families,
    "gauge",
    "in_flight_events",
    "Events sent and not acknowledged.",
    each((broker) => broker.inFlightCount),
  );
  add(
    families,
    "counter",
    "acknowledged_total",
    "Events that the broker acknowledged.",
    each((broker) => broker.acknowledgedCount),
  );
  add(
    families,
    "counter",
    "set_aside_total",
    "Events that the broker will never take.",
    each((broker) => broker.refusedCount),
  );
}

/** Shorter delays of the main thread are not seen; a shorter time would wake an idle box more often. */
const lagResolutionMs = 20;

/** Makes the metrics. A registry of its own for each scrape: a device that is gone leaves no stale numbers. */
export function createMetrics(): Metrics {
  const delay = monitorEventLoopDelay({ resolution: lagResolutionMs });
  // What is measured is the time from one tick of a timer to the next.
  const lagSeconds = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - lagResolutionMs / 1_000);
  delay.enable();
  return {
    async render(status, notices) {
      // After a long delay this may run before the tick that measures it; that comes at the beginning of the next turn.
      await nextTurn();
      await nextTurn();
      const library = await import("prom-client");
      const registry = new library.Registry();
      const families = { library, registry };
      addGateway(families, status);
      addDevices(families, status.devices);
      addReadPoints(families, status.readPoints);
      addLabels(families, status);
      addBrokers(families, status.brokers);
      addOrders(families, status);
      const told = [...notices].map(([name, count]): Sample => [count, { name }]);
      add(families, "counter", "notices_total", "What the program said about itself, by name.", told);
      add(families, "gauge", "process_resident_bytes", "Memory of the process.", [[status.gateway.rssBytes]]);
      add(families, "gauge", "event_loop_lag_seconds", "Lateness of the main thread since the last scrape.", [
        [lagSeconds(delay.percentile(50)), { quantile: "0.5" }],
        [lagSeconds(delay.percentile(99)), { quantile: "0.99" }],
        [lagSeconds(delay.max), { quantile: "1" }],
      ]);
      delay.reset();
      return registry.metrics();
    },
    close: () => void delay.disable(),
  };
}
