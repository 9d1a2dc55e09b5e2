import { afterEach, describe, expect, test } from "vitest";
import { createMetrics, type Metrics } from "../../src/control/metrics.ts";
import { aBroker, aDevice, aStatus } from "./a-view.ts";

let metrics: Metrics | undefined;
afterEach(() => {
  metrics?.close();
  metrics = undefined;
});

async function rendered(status = aStatus(), notices: ReadonlyMap<string, number> = new Map([["device/up", 3]])) {
  metrics ??= createMetrics();
  return (await metrics.render(status, notices)).split("\n");
}

describe("the metrics", () => {
  test("hold each promised number with its labels", async () => {
    const status = aStatus({
      devices: [aDevice(), aDevice({ name: "scanner-2", state: "down" })],
      brokers: [aBroker({ refusedCount: 3, queuedCount: 9, oldestQueuedMs: 1_500, state: "connecting" })],
    });
    expect(await rendered(status)).toEqual(
      expect.arrayContaining([
        'sortgate_device_up{device="scanner-1"} 1',
        'sortgate_device_up{device="scanner-2"} 0',
        'sortgate_reads_total{device="scanner-1"} 100',
        'sortgate_noreads_total{device="scanner-1"} 3',
        'sortgate_malformed_total{device="scanner-1"} 1',
        'sortgate_read_point_reads_total{read_point="tunnel-1"} 100',
        'sortgate_read_point_opened_total{read_point="tunnel-1"} 40',
        'sortgate_read_point_suppressed_total{read_point="tunnel-1"} 58',
        'sortgate_refused_total{read_point="tunnel-1",reason="too-weak"} 2',
        'sortgate_broker_up{broker="central"} 0',
        'sortgate_queue_events{broker="central"} 9',
        'sortgate_queue_oldest_seconds{broker="central"} 1.5',
        'sortgate_acknowledged_total{broker="central"} 12',
        'sortgate_set_aside_total{broker="central"} 3',
        'sortgate_ledger_bytes{part="wal"} 8192',
        "sortgate_lost_events_total 2",
        "sortgate_dropped_events_total 1",
        "sortgate_chain_sequence 12",
        'sortgate_notices_total{name="device/up"} 3',
        "sortgate_process_resident_bytes 80000000",
        expect.stringMatching(
          /^sortgate_build_info\{version="0\.1\.0",node="[\d.]+",site="HZ01",gateway="line-3"\} 1$/,
        ),
        "# TYPE sortgate_reads_total counter",
        "# TYPE sortgate_queue_events gauge",
      ]),
    );
  });

  test("R53 count labels by format, and those that show core data", async () => {
    const lines = await rendered(aStatus({ labels: [{ format: "url", labelCount: 7, leakingCount: 2 }] }));
    expect(lines).toEqual(
      expect.arrayContaining([
        'sortgate_labels_total{format="url"} 7',
        'sortgate_leaking_labels_total{format="url"} 2',
      ]),
    );
  });

  test("R33 say whether orders can come, which was the last, and how many were refused; nothing where none are asked for", async () => {
    const status = aStatus({
      brokers: [aBroker({ orders: { subscribed: true, problem: "" } }), aBroker({ name: "other" })],
      orders: { last: 12, waitingCount: 2, refusedCount: { signature: 3 } },
    });
    expect((await rendered(status)).filter((line) => line.startsWith("sortgate_orders"))).toEqual([
      'sortgate_orders_subscribed{broker="central"} 1',
      "sortgate_orders_last 12",
      "sortgate_orders_waiting 2",
      "sortgate_orders_delayed 0",
      'sortgate_orders_refused_total{reason="signature"} 3',
    ]);
    expect((await rendered()).filter((line) => line.includes("sortgate_orders"))).toEqual([]);
  });

  test("R53 count labels that show core data by who prints them", async () => {
    const shippers = [
      { shipper: "SF13", leakingCount: 2 },
      { shipper: "other", leakingCount: 5 },
    ];
    const lines = (await rendered(aStatus({ shippers }))).filter((line) => line.startsWith("sortgate_leaking_shipper"));
    expect(lines).toEqual([
      'sortgate_leaking_shipper_labels_total{shipper="SF13"} 2',
      'sortgate_leaking_shipper_labels_total{shipper="other"} 5',
    ]);
  });

  test("hold forecasts where there are any, and whether a device is made to wait", async () => {
    const never = aStatus({ brokers: [aBroker({ hoursUntilDrained: null })] });
    expect((await rendered(never)).filter((line) => line.startsWith("sortgate_hours"))).toEqual([]);
    const lines = await rendered(
      aStatus({
        queue: { ...aStatus().queue, hoursUntilFull: 7.5 },
        brokers: [aBroker({ hoursUntilDrained: 0.25 })],
        devices: [aDevice({ state: "paused" })],
      }),
    );
    expect(lines).toEqual(
      expect.arrayContaining([
        "sortgate_hours_until_full 7.5",
        'sortgate_hours_until_drained{broker="central"} 0.25',
        'sortgate_device_up{device="scanner-1"} 1',
        'sortgate_device_paused{device="scanner-1"} 1',
      ]),
    );
  });

  test("do not add up from scrape to scrape, and forget a device that is gone", async () => {
    await rendered();
    const lines = await rendered(aStatus({ devices: [aDevice({ name: "other" })] }));
    expect(lines).toContain('sortgate_reads_total{device="other"} 100');
    expect(lines.filter((line) => line.includes("scanner-1"))).toEqual([]);
    expect(lines).toContain('sortgate_read_point_reads_total{read_point="tunnel-1"} 100');
  });

  test("are well-formed for a gateway without device, broker or notice, and leave out what is no number", async () => {
    const status = aStatus({ devices: [], brokers: [], readPoints: [] });
    const lines = await rendered({ ...status, chain: { ...status.chain, sequence: Number.NaN } }, new Map());
    expect(lines).toContain("sortgate_lost_events_total 2");
    for (const line of lines)
      expect(line).toMatch(/^$|^# (HELP|TYPE) sortgate_|^sortgate_[a-z_]+(\{[^{}]*\})? \d[\d.e-]*$/);
  });

  test("escape what stands in a label", async () => {
    const lines = await rendered(aStatus({ devices: [aDevice({ name: 'a"b\\c\nd' })] }));
    expect(lines).toContain('sortgate_device_up{device="a\\"b\\\\c\\nd"} 1');
  });

  test("measure how late the main thread is, and nothing while it is in time", async () => {
    metrics ??= createMetrics();
    const lag = async (quantile: string): Promise<number> => {
      const line = (await rendered()).find((one) =>
        one.startsWith(`sortgate_event_loop_lag_seconds{quantile="${quantile}"}`),
      );
      return Number(line?.split(" ")[1]);
    };
    await expect.poll(() => lag("0.5"), { interval: 200 }).toBeLessThan(0.01);
    const blocked = (): Promise<number> => {
      const until = performance.now() + 150;
      while (performance.now() < until);
      return lag("1");
    };
    await expect.poll(blocked, { interval: 200, timeout: 10_000 }).toBeGreaterThan(0.1);
  });
});
