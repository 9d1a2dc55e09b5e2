import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { aPerson, asUtf8 } from "../fakes/canary.ts";
import { askStatus, aWaybill, framed, makeSite, oneScanner, openTcpScanner, startDaemon } from "../fakes/gateway.ts";
import { freePort } from "../fakes/mosquitto.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** The least that a site may set. */
const bytesMax = 16_000_000;
const person = aPerson(38);

/** Beside the ledger and its log, which bytes_max bounds: the index of the log, and the identity. */
const besideBytes = 131_072;

/** All that the gateway keeps on the disk; the log has a second name, and counts once. */
function storedBytes(dataDir: string): number {
  const sizes = new Map<number, number>();
  for (const path of readdirSync(dataDir, { recursive: true, encoding: "utf8" })) {
    const facts = statSync(join(dataDir, path), { throwIfNoEntry: false });
    if (facts?.isFile() === true) sizes.set(facts.ino, facts.size);
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

describe("R38 the store", () => {
  it.each([
    ["drop-oldest", 10_000],
    ["drop-newest", 1_000],
  ])(
    "R38 stays below bytes_max while labels come without end and the broker is away, with %s",
    async (whenFull, goneMin) => {
      const scanner = await openTcpScanner();
      const site = makeSite({
        brokerUrl: `mqtt://127.0.0.1:${await freePort()}`,
        rest: `[queue]\nbytes_max = ${bytesMax}\nwhen_full = "${whenFull}"\n${oneScanner(scanner.port)}core = "mask"\n`,
      });
      cleanups.push(
        () => site.remove(),
        () => scanner.close(),
      );
      const daemon = await startDaemon(site);
      cleanups.push(() => daemon.end("SIGKILL"));
      await scanner.connected();
      let [sentCount, mostBytes, goneCount] = [0, 0, 0];
      // On until the ring went round, or was full for a while.
      while (goneCount < goneMin) {
        for (let number = 0; number < 500; number += 1) {
          const waybillNo = aWaybill(sentCount++);
          scanner.send(framed(asUtf8(JSON.stringify({ waybillNo, name: person.hanName, tel: person.mobile }))));
        }
        await vi.waitFor(
          async () => {
            const { devices, queue } = await askStatus(site);
            expect([devices[0]!.readCount, queue.uncommittedCount]).toEqual([sentCount, 0]);
            goneCount = queue.droppedCount + queue.lostCount;
          },
          { timeout: 30_000, interval: 20 },
        );
        mostBytes = Math.max(mostBytes, storedBytes(site.dataDir));
        expect(mostBytes).toBeLessThanOrEqual(bytesMax + besideBytes);
        expect(sentCount).toBeLessThan(100_000);
      }
      expect((await askStatus(site)).queue.lossAgoMs).toBeLessThan(60_000);
      // It was used, and not only kept small.
      expect(mostBytes).toBeGreaterThan(bytesMax / 2);
    },
    180_000,
  );
});
