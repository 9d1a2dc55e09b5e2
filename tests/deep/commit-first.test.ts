import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { aWaybill, framed, spawnDaemon, startBelt } from "../fakes/gateway.ts";
import { count, figure } from "../figures.ts";
import { openScriptedBroker } from "./rig/broker.ts";
import { defer } from "./rig/defer.ts";
import { eventsOf, missingFrom, openLine } from "./rig/line.ts";
import { breakProgram } from "./rig/program.ts";
import { attach, underFault } from "./rig/strace.ts";

const delayMs = 500;

interface Flush {
  readonly beganAt: number;
  readonly endedAt: number;
}

/** Flushes of the write-ahead log, in milliseconds since 1970, from what strace wrote; its own delay is not in its figures. */
function flushesIn(log: string): Flush[] {
  const flushes: Flush[] = [];
  const begun = new Map<string, number>();
  for (const line of log.split("\n")) {
    const [, thread = "", seconds = "", rest = ""] = /^(\d+) +(\d+\.\d+) (.*)$/.exec(line) ?? [];
    const at = Number(seconds) * 1_000;
    const took = /= 0 \(DELAYED\) <(\d+\.\d+)>$/.exec(rest)?.[1];
    const isResumed = rest.startsWith("<... fsync resumed>");
    if (/^fsync\(\d+<[^>]*ledger\.db-wal>/.test(rest)) begun.set(thread, at);
    else if (!isResumed) continue;
    const beganAt = begun.get(thread);
    if (took === undefined || beganAt === undefined) continue;
    const returnedAt = isResumed ? at : beganAt + Number(took) * 1_000;
    flushes.push({ beganAt, endedAt: returnedAt + delayMs });
    begun.delete(thread);
  }
  return flushes;
}

/** Sends parcels one by one on a disk whose flushes take half a second; gives how many came out before their flush. */
async function countEarly(parcelCount: number, main?: string): Promise<{ early: number; waits: number[] }> {
  const folder = mkdtempSync(join(tmpdir(), "sortgate-trace-"));
  defer(() => rmSync(folder, { recursive: true, force: true }));
  const broker = await openScriptedBroker();
  defer(() => broker.close());
  const { scanner, start } = await openLine({ brokerUrl: broker.url }, defer);
  const daemon = await start(main === undefined ? {} : { main });
  const fault = ["-T", "-e", "trace=fsync", "-e", `inject=fsync:delay_exit=${delayMs * 1_000}`];
  const trace = join(folder, "trace");
  const stop = await attach(daemon.process.pid!, fault, defer, trace);
  const arrivals: { sentAt: number; arrivedAt: number }[] = [];
  for (let number = 0; number < parcelCount; number += 1) {
    const code = aWaybill(number);
    const arrived = new Promise<number>((resolve) => {
      broker.onEvent = ({ bytes }) => bytes.includes(code) && resolve(Date.now());
    });
    const sentAt = Date.now();
    scanner.send(framed(code));
    arrivals.push({ sentAt, arrivedAt: await arrived });
  }
  await stop();
  const flushes = flushesIn(readFileSync(trace, "utf8"));
  // Two milliseconds of grace: the two clocks are read by different programs.
  const isEarly = ({ sentAt, arrivedAt }: { sentAt: number; arrivedAt: number }): boolean =>
    !flushes.some(({ beganAt, endedAt }) => beganAt >= sentAt - 2 && endedAt <= arrivedAt + 2);
  return { early: arrivals.filter(isEarly).length, waits: arrivals.map((one) => one.arrivedAt - one.sentAt) };
}

describe("G2 what is published", () => {
  it("G2 was flushed before, also where each flush takes half a second", async () => {
    const { early, waits } = await countEarly(10);
    expect(early).toBe(0);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(delayMs - 2);
    figure(
      "G2",
      "slow flush",
      `${waits.length} events with each flush slowed to 0.5 s: none came out before its flush`,
    );
  });

  it("G2 comes out before its flush where the ledger does not wait for it", async () => {
    const early = breakProgram(
      { file: "src/ledger/database.js", from: 'pragma("synchronous = FULL")', to: 'pragma("synchronous = OFF")' },
      { file: "src/ledger/database.js", from: "{ simple: true }) === 2,", to: "{ simple: true }) === 0," },
    );
    defer(() => early.remove());
    expect((await countEarly(3, early.main)).early).toBe(3);
  });

  it("G2 is in the ledger, byte for byte, whichever flush fails", async () => {
    const broker = await openScriptedBroker();
    defer(() => broker.close());
    const { site, scanner, start } = await openLine({ brokerUrl: broker.url }, defer);
    const belt = startBelt(scanner, 2);
    defer(() => belt.stop());
    // A ledger that is there already, on a disk that takes nothing from that flush on.
    const before = await start();
    await before.end("SIGKILL");
    const points = [3, 4, 5, 8, 12, 17, 23, 30];
    for (const when of points) {
      const daemon = spawnDaemon(site, { under: underFault("fsync", `error=EIO:when=${when}+`) });
      defer(() => daemon.end("SIGKILL"));
      expect(await daemon.gone(), daemon.output.stderr).toBe(74);
      expect(missingFrom(eventsOf(site.dataDir), broker.distinct()), `flush ${when}`).toEqual([]);
    }
    await vi.waitFor(() => expect(broker.distinct().size).toBeGreaterThan(50));
    figure(
      "G2",
      "failed flush",
      `EIO from ${points.length} different flushes on: all of ${count(broker.distinct().size)} published events stand in the ledger`,
    );
  });
});
