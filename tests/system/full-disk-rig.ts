import { expect, vi } from "vitest";
import {
  askStatus,
  aWaybill,
  type Daemon,
  framed,
  makeSite,
  oneScanner,
  openTcpScanner,
  startDaemon,
} from "../fakes/gateway.ts";
import { openLateBroker } from "../fakes/late-broker.ts";
import { freePort } from "../fakes/mosquitto.ts";
import { openSmallDisk } from "../fakes/small-disk.ts";

/** A daemon on a disk of 12 MB whose broker is away at first. */
export async function openFullDiskRig(whenFull: string, cleanups: (() => unknown)[]) {
  const port = await freePort();
  const scanner = await openTcpScanner();
  const queue = `[queue]\nwhen_full = "${whenFull}"\n`;
  const site = makeSite({ brokerUrl: `mqtt://127.0.0.1:${port}`, rest: queue + oneScanner(scanner.port) });
  const disk = await openSmallDisk(site.dataDir, "12m");
  let daemon: Daemon | undefined;
  let sentCount = 0;
  cleanups.push(
    () => site.remove(),
    () => disk.close(),
    () => scanner.close(),
    () => daemon?.end("SIGKILL"),
  );
  return {
    disk,
    site,
    sentCount: () => sentCount,
    async start() {
      daemon = await startDaemon(site, process.env, { under: disk.under });
      await scanner.connected();
    },
    end: (signal: NodeJS.Signals) => daemon!.end(signal),
    pass(count: number) {
      for (let parcel = 0; parcel < count; parcel += 1) scanner.send(framed(aWaybill(sentCount++)));
    },
    async allRead() {
      await vi.waitFor(async () => {
        const { devices, queue } = await askStatus(site);
        expect(devices[0]!.readCount).toBe(sentCount);
        expect(queue.uncommittedCount).toBe(0);
      }, 30_000);
    },
    openBroker: () => openLateBroker(port, cleanups),
  };
}
