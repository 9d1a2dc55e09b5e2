import { describe, expect, it, vi } from "vitest";
import { startBelt } from "../fakes/gateway.ts";
import { count, figure } from "../figures.ts";
import { openScriptedBroker } from "./rig/broker.ts";
import { defer } from "./rig/defer.ts";
import { eventsOf, missingFrom, openLine, verdictOf } from "./rig/line.ts";
import { openLoopDisk } from "./rig/loop-disk.ts";
import { breakProgram } from "./rig/program.ts";

interface Cuts {
  readonly accepted: number;
  /** Accepted events that were not there after some cut. */
  readonly lost: number;
  readonly exitCodes: readonly (number | null)[];
  readonly isWhole: boolean;
}

/** Cuts the power this often under traffic; what a broker was sent by then must be there after the boot. */
async function cutPower(cutCount: number, main?: string): Promise<Cuts> {
  const disk = openLoopDisk();
  defer(() => disk.remove());
  const broker = await openScriptedBroker();
  defer(() => broker.close());
  const dataDir = `${disk.mountPoint}/data`;
  const { site, scanner, start } = await openLine({ brokerUrl: broker.url, dataDir }, defer);
  const belt = startBelt(scanner, 1);
  defer(() => belt.stop());
  const lost = new Set<number>();
  const exitCodes: (number | null)[] = [];
  for (let cut = 0; cut < cutCount; cut += 1) {
    const before = broker.events.length;
    const daemon = await start(main === undefined ? {} : { main });
    // Another moment of each run: between 100 and 400 events.
    await vi.waitFor(() => expect(broker.events.length - before).toBeGreaterThan(100 + (cut % 4) * 100), 30_000);
    disk.cutPower();
    // What came before the cut counts; a broker that is sent more afterwards was sent what nothing holds.
    exitCodes.push(await daemon.gone());
    disk.remount();
    for (const sequence of missingFrom(eventsOf(dataDir), broker.distinct())) lost.add(sequence);
    if (lost.size > 0) break;
  }
  const ledger = eventsOf(dataDir);
  const bytes = [...ledger.values()].map((event) => event.bytes);
  const isWhole = verdictOf(bytes, site.dataDir).chains.every(({ verdict }) => verdict === "whole");
  return { accepted: broker.distinct().size, lost: lost.size, exitCodes, isWhole };
}

describe("G1 a power cut", () => {
  it("G1 takes no accepted event, and the daemon ends with 74 when its disk goes", async () => {
    const { accepted, lost, exitCodes, isWhole } = await cutPower(10);
    expect(lost).toBe(0);
    expect(isWhole).toBe(true);
    expect(new Set(exitCodes)).toEqual(new Set([74]));
    expect(accepted).toBeGreaterThan(2_000);
    figure("G1", "power cut", `${exitCodes.length} power cuts, 0 of ${count(accepted)} accepted events lost`);
  });

  it("G1 takes accepted events with synchronous=NORMAL", async () => {
    const normal = breakProgram(
      { file: "src/ledger/database.js", from: 'pragma("synchronous = FULL")', to: 'pragma("synchronous = NORMAL")' },
      { file: "src/ledger/database.js", from: "{ simple: true }) === 2,", to: "{ simple: true }) === 1," },
    );
    defer(() => normal.remove());
    const { lost } = await cutPower(6, normal.main);
    expect(lost).toBeGreaterThan(0);
    figure("G1", "power cut, NORMAL", `with synchronous=NORMAL ${count(lost)} lost at the first cut that took any`);
  });
});
