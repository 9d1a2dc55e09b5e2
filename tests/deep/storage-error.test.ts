import { statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { startBelt } from "../fakes/gateway.ts";
import { count, figure, seconds } from "../figures.ts";
import { openScriptedBroker } from "./rig/broker.ts";
import { defer } from "./rig/defer.ts";
import { eventsOf, missingFrom, openLine } from "./rig/line.ts";
import { attach } from "./rig/strace.ts";

const points = [
  ...[1, 2, 4, 7].map((when) => ({ call: "fsync", when })),
  ...[1, 2, 3, 5, 9, 14, 22].map((when) => ({ call: "pwrite64", when })),
];

describe("G7 a storage error", () => {
  it("G7 ends the daemon with 74 within 5 s, and the next start goes on with the same file", async () => {
    const broker = await openScriptedBroker();
    defer(() => broker.close());
    const { site, scanner, start } = await openLine({ brokerUrl: broker.url }, defer);
    const belt = startBelt(scanner, 5);
    defer(() => belt.stop());
    const ledgerPath = join(site.dataDir, "ledger.db");
    let inode: number | undefined;
    const took: number[] = [];
    for (const { call, when } of points) {
      const seen = broker.events.length;
      const daemon = await start();
      inode ??= statSync(ledgerPath).ino;
      await vi.waitFor(() => expect(broker.events.length).toBeGreaterThan(seen), 20_000);
      const beganAt = performance.now();
      await attach(daemon.process.pid!, ["-e", `trace=${call}`, "-e", `inject=${call}:error=EIO:when=${when}`], defer);
      expect(await daemon.gone(), `${call} ${when}`).toBe(74);
      took.push(performance.now() - beganAt);
      expect(daemon.output.stderr).toMatch(/^Error: .+\nTry: .+\n$/);
      expect(daemon.output.stdout).toContain('"ledger/failed"');
      expect(statSync(ledgerPath).ino).toBe(inode);
      expect(missingFrom(eventsOf(site.dataDir), broker.distinct()), `${call} ${when}`).toEqual([]);
    }
    expect(Math.max(...took)).toBeLessThan(5_000);
    const daemon = await start();
    const passed = belt.passedCount();
    await vi.waitFor(() => expect(belt.passedCount()).toBeGreaterThan(passed + 20), 20_000);
    expect(await daemon.end()).toBe(0);
    figure(
      "G7",
      "EIO",
      `EIO at ${points.length} writes and flushes: exit 74 within ${seconds(Math.max(...took))}, same file, 0 of ${count(broker.distinct().size)} accepted events lost`,
    );
  });
});
