import { statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { askStatus, aWaybill, framed, openTcpScanner } from "../fakes/gateway.ts";
import { freePort } from "../fakes/mosquitto.ts";
import { openSerialLine } from "../fakes/serial-line.ts";
import { count, figure } from "../figures.ts";
import { openScriptedBroker } from "./rig/broker.ts";
import { defer } from "./rig/defer.ts";
import { openLine } from "./rig/line.ts";
import { peakRssBytes } from "./rig/process.ts";
import { breakProgram } from "./rig/program.ts";

const rssBytesMax = 256 * 1_048_576;
const walBytesMax = 64 * 1_048_576;
const megabytes = (bytes: number): string => `${Math.round(bytes / 1_048_576)} MB`;

const serialDevice = (path: string): string => `
[[device]]
name = "scanner-2"
read_point = "tunnel-1"
driver = "serial"
path = "${path}"
profile = "line-barcode"
`;

const secondScanner = (port: number): string => `
[[device]]
name = "scanner-3"
read_point = "tunnel-1"
driver = "tcp"
host = "127.0.0.1"
port = ${port}
profile = "line-barcode"
`;

/** Parcels as fast as the gateway takes them: no more than so many are on the wire and not yet counted. */
const ahead = 4_000;

interface Outage {
  readonly peakBytes: number;
  readonly walBytes: number;
  readonly queuedCount: number;
}

/** Reads this many distinct parcels while the broker is gone. */
async function outage(parcelCount: number, main?: string): Promise<Outage> {
  const port = await freePort();
  const serial = await openSerialLine();
  defer(() => serial.close());
  const { site, scanner, start } = await openLine(
    { brokerUrl: `mqtt://127.0.0.1:${port}`, more: serialDevice(serial.path) },
    defer,
  );
  const daemon = await start(main === undefined ? {} : { main });
  let walBytes = 0;
  for (let sent = 0; sent < parcelCount; ) {
    const batch = Array.from({ length: 1_000 }, () => framed(aWaybill(sent++))).join("");
    scanner.send(batch);
    serial.write(`${aWaybill(10_000_000 + sent)}\r\n`);
    await vi.waitFor(
      async () => {
        const { queue, readPoints } = await askStatus(site);
        expect(queue.droppedCount + queue.lostCount).toBe(0);
        expect(readPoints[0]!.openedCount).toBeGreaterThan(sent - ahead);
        expect(queue.uncommittedCount).toBeLessThan(ahead);
      },
      { timeout: 60_000, interval: 20 },
    );
    walBytes = Math.max(walBytes, statSync(join(site.dataDir, "ledger.db-wal")).size);
  }
  await vi.waitFor(async () => expect((await askStatus(site)).brokers[0]!.queuedCount).toBeGreaterThan(parcelCount), {
    timeout: 60_000,
    interval: 200,
  });
  const { queuedCount } = (await askStatus(site)).brokers[0]!;
  const before = peakRssBytes(daemon.process.pid!);
  if (main !== undefined) return { peakBytes: before, walBytes, queuedCount };
  const broker = await openScriptedBroker({ port });
  defer(() => broker.close());
  await vi.waitFor(() => expect(broker.events.length).toBeGreaterThanOrEqual(queuedCount), {
    timeout: 120_000,
    interval: 100,
  });
  expect(broker.distinct().size).toBeGreaterThanOrEqual(queuedCount);
  walBytes = Math.max(walBytes, statSync(join(site.dataDir, "ledger.db-wal")).size);
  return { peakBytes: peakRssBytes(daemon.process.pid!), walBytes, queuedCount };
}

describe("G9 memory", () => {
  it("G9 stays below 256 MB, and the write-ahead log below 64 MB, over an outage and the drain after it", async () => {
    const { peakBytes, walBytes, queuedCount } = await outage(60_000);
    expect(peakBytes).toBeLessThan(rssBytesMax);
    expect(walBytes).toBeLessThan(walBytesMax);
    figure(
      "G9",
      "outage",
      `${count(queuedCount)} events queued in an outage and drained: at most ${megabytes(peakBytes)} RSS, write-ahead log ${megabytes(walBytes)}`,
    );
  });

  it("G9 goes beyond 256 MB where events are kept in memory while the broker is away", async () => {
    const keeping = breakProgram({
      file: "src/model/limits.js",
      from: "recentBytesMax: 4_194_304",
      to: "recentBytesMax: 4e12",
    });
    defer(() => keeping.remove());
    const { peakBytes } = await outage(150_000, keeping.main);
    expect(peakBytes).toBeGreaterThan(rssBytesMax);
  });
});

describe("G13 what never ends", () => {
  it("G13 100 MB without a delimiter, and as much noise, grow no memory and hold up no other device", async () => {
    const broker = await openScriptedBroker();
    defer(() => broker.close());
    const endless = await openTcpScanner();
    defer(() => endless.close());
    const { site, scanner, start } = await openLine(
      { brokerUrl: broker.url, more: secondScanner(endless.port) },
      defer,
    );
    const daemon = await start();
    await endless.connected();
    const text = Buffer.alloc(65_536, "SF1385628716739");
    // Every byte but CR and LF, so that no frame ever ends; the order is a fixed one.
    const noise = Buffer.from(Array.from({ length: 65_536 }, (_, index) => (index * 2_654_435_761) >>> 24)).map(
      (byte) => (byte === 10 || byte === 13 ? 0 : byte),
    );
    let number = 0;
    const belt = setInterval(() => scanner.send(framed(aWaybill(number++))), 20);
    defer(() => clearInterval(belt));
    await endless.flood(text, 100_000_000);
    await endless.flood(noise, 100_000_000);
    clearInterval(belt);
    await vi.waitFor(() => expect(broker.codes().size).toBe(number), 30_000);
    const flooded = (await askStatus(site)).devices.find(({ name }) => name === "scanner-3");
    await vi.waitFor(
      async () => {
        const { discardedByteCount } = (await askStatus(site)).devices.find(({ name }) => name === "scanner-3")!;
        expect(discardedByteCount).toBeGreaterThan(199_000_000);
      },
      { timeout: 60_000, interval: 200 },
    );
    expect(flooded).toMatchObject({ state: "up", readCount: 0 });
    const peakBytes = peakRssBytes(daemon.process.pid!);
    expect(peakBytes).toBeLessThan(rssBytesMax);
    figure(
      "G13",
      "endless",
      `200 MB without a delimiter: at most ${megabytes(peakBytes)} RSS, all ${count(number)} parcels of the other scanner delivered`,
    );
  });
});
