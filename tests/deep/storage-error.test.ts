import { statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { spawnDaemon, startBelt } from "../fakes/gateway.ts";
import { count, figure, seconds } from "../figures.ts";
import { openScriptedBroker } from "./rig/broker.ts";
import { defer } from "./rig/defer.ts";
import { eventsOf, missingFrom, openLine } from "./rig/line.ts";
import { attach } from "./rig/strace.ts";

const whens = [1, 2, 3, 5, 8, 13, 21, 34, 50];
const points = ["fsync", "pwrite64"].flatMap((call) => whens.map((when) => ({ call, when })));

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

  it("G7 while the ledger is read at the start ends it with 74 too, and the next start goes on with the same file", async () => {
    const broker = await openScriptedBroker();
    defer(() => broker.close());
    const { site, scanner, start } = await openLine({ brokerUrl: broker.url }, defer);
    const belt = startBelt(scanner, 5);
    defer(() => belt.stop());
    const ledgerPath = join(site.dataDir, "ledger.db");
    // Killed, so that the next start reads the whole file.
    const crash = async (): Promise<void> => {
      const seen = broker.events.length;
      const daemon = await start();
      await vi.waitFor(() => expect(broker.events.length).toBeGreaterThan(seen + 50), 20_000);
      await daemon.end("SIGKILL");
    };
    await crash();
    const { ino } = statSync(ledgerPath);
    let failures = 0;
    for (const when of whens) {
      const paths = [ledgerPath, `${ledgerPath}-wal`].flatMap((path) => ["-P", path]);
      const fault = ["-e", "trace=pread64,read", "-e", `inject=pread64,read:error=EIO:when=${when}+`];
      const daemon = spawnDaemon(site, { under: ["strace", "-D", "-f", "-o", "/dev/null", ...paths, ...fault] });
      defer(() => daemon.end("SIGKILL"));
      const ended = await Promise.race([
        daemon.gone(),
        vi.waitFor(() => expect(daemon.output.stdout).toContain('"gateway/ready"'), 30_000),
      ]);
      if (typeof ended === "number") {
        failures += 1;
        expect({ when, ended, said: daemon.output.stderr }).toEqual({
          when,
          ended: 74,
          said: expect.stringMatching(/^Error: .+\nTry: .+\n$/),
        });
      } else await daemon.end("SIGKILL");
      await crash();
      expect(statSync(ledgerPath).ino, `read ${when}`).toBe(ino);
    }
    expect(failures).toBeGreaterThan(2);
    const daemon = await start();
    expect(await daemon.end()).toBe(0);
    expect(missingFrom(eventsOf(site.dataDir), broker.distinct())).toEqual([]);
    figure("G7", "EIO, reads", `EIO at ${failures} reads of a start: exit 74, same file, nothing lost`);
  });
});
