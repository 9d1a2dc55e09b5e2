import { afterEach, describe, expect, it, vi } from "vitest";
import { imbalances } from "../../src/control/index.ts";
import { askStatus, aWaybill } from "../fakes/gateway.ts";
import { count, figure } from "../figures.ts";
import { openFullDiskRig } from "./full-disk-rig.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const countOf = (text: string): number => (JSON.parse(text) as { data: { count: number } }).data.count;

describe("a full disk", () => {
  it("is foretold by what the disk has left, where bytes_max allows more", async () => {
    const rig = await openFullDiskRig("drop-oldest", cleanups);
    await rig.start();
    // A tenth of an hour of this fits on the disk, and ten hours of it into the 2 GB of bytes_max.
    const belt = setInterval(() => rig.pass(20), 500);
    cleanups.push(() => clearInterval(belt));
    await vi.waitFor(async () => {
      const { queue } = await askStatus(rig.site);
      expect(queue.hoursUntilFull).not.toBeNull();
      expect(queue.hoursUntilFull).toBeLessThan(0.5);
      expect(queue.diskFreeBytes).toBeLessThan(12_000_000);
    }, 30_000);
  });

  it.each(["drop-newest", "drop-oldest", "stop-reading"])(
    "R20 with %s is told as long as it is full, and no longer once it was freed, with the broker still away",
    async (whenFull) => {
      const rig = await openFullDiskRig(whenFull, cleanups);
      await rig.start();
      rig.pass(300);
      await rig.allRead();
      rig.disk.fill();
      const full = async (): Promise<unknown> => (await askStatus(rig.site)).queue.full;
      await vi.waitFor(async () => {
        rig.pass(500);
        expect(await full()).toBe("disk");
      }, 30_000);
      for (let round = 0; round < 20; round += 1) {
        rig.pass(100);
        expect(await full()).toBe("disk");
      }
      rig.disk.free();
      await vi.waitFor(async () => {
        rig.pass(1);
        expect(await full()).toBeUndefined();
      }, 30_000);
    },
    90_000,
  );

  it.each(["drop-newest", "drop-oldest"])(
    "with %s drains, takes new parcels into the room of old ones, and survives kill and stop without a byte free",
    async (whenFull) => {
      const rig = await openFullDiskRig(whenFull, cleanups);
      await rig.start();
      rig.pass(300);
      await rig.allRead();
      rig.disk.fill();
      rig.pass(4_000);
      await rig.allRead();
      expect(rig.disk.freeBytes()).toBe(0);
      const subscriber = await rig.openBroker();
      const drained = (): Promise<void> =>
        vi.waitFor(async () => expect((await askStatus(rig.site)).brokers[0]!.queuedCount).toBe(0), 60_000);
      await drained();
      for (const signal of ["SIGKILL", "SIGTERM"] as const) {
        rig.disk.fill();
        rig.pass(50);
        await vi.waitFor(() => expect(subscriber.codes()).toContain(aWaybill(rig.sentCount() - 1)), 20_000);
        await drained();
        await rig.end(signal);
        rig.disk.fill();
        const before = subscriber.messages.length;
        await rig.start();
        await drained();
        // Cursors were written down although no byte was free: at most a window comes again, not the whole queue.
        expect(subscriber.messages.length - before).toBeLessThan(300);
        expect(rig.disk.freeBytes()).toBe(0);
      }
      rig.disk.free();
      expect(imbalances(await askStatus(rig.site))).toEqual([]);
      await rig.end("SIGTERM");
      const lost = subscriber.messages
        .filter(({ text }) => text.includes('"reason":"queue-full"'))
        .filter(({ text }, index, all) => all.findIndex((other) => other.text === text) === index)
        .reduce((sum, { text }) => sum + countOf(text), 0);
      // How much of it gap events tell that are themselves still there is a matter of when commits fall.
      expect(lost).toBeGreaterThan(whenFull === "drop-newest" ? 1_000 : 500);
      const codes = new Set(subscriber.codes());
      if (whenFull === "drop-newest") {
        expect(codes.size + lost).toBe(rig.sentCount());
        expect(subscriber.verdict().chains).toMatchObject([{ verdict: "whole" }]);
        figure(
          "G6",
          "full disk",
          `${count(rig.sentCount())} parcels, not a byte free: ${count(codes.size)} delivered, ${count(lost)} refused and told by gap events, 0 unaccounted for`,
        );
      } else expect(codes).toContain(aWaybill(4_299));
    },
    120_000,
  );
});
