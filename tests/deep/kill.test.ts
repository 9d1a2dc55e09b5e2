import { describe, expect, it } from "vitest";
import { spawnDaemon, startBelt } from "../fakes/gateway.ts";
import { count, figure } from "../figures.ts";
import { openScriptedBroker, type ScriptedBroker } from "./rig/broker.ts";
import { defer } from "./rig/defer.ts";
import { eventsOf, type Line, missingFrom, openLine, verdictOf } from "./rig/line.ts";
import { breakProgram } from "./rig/program.ts";
import { underFault } from "./rig/strace.ts";

/** Kill points: each is a write, or a flush, of the run that begins with that start. */
const points = [
  ...Array.from({ length: 13 }, (_, index) => ({ call: "pwrite64", when: 1 + index * 7 })),
  ...Array.from({ length: 7 }, (_, index) => ({ call: "fsync", when: 2 + index * 4 })),
];

interface Rig extends Line {
  readonly broker: ScriptedBroker;
}

async function openRig(): Promise<Rig> {
  const broker = await openScriptedBroker();
  defer(() => broker.close());
  const line = await openLine({ brokerUrl: broker.url }, defer);
  const belt = startBelt(line.scanner, 2);
  defer(() => belt.stop());
  return { ...line, broker };
}

/** Runs the daemon until it dies of the fault; gives the sequences that were sent out and are not in its ledger. */
async function lostBy({ site, broker }: Rig, call: string, when: number, main?: string): Promise<number[]> {
  const under = underFault(call, `signal=KILL:when=${when}`);
  const daemon = spawnDaemon(site, { under, ...(main === undefined ? {} : { main }) });
  defer(() => daemon.end("SIGKILL"));
  expect(await daemon.gone(), daemon.output.stderr).toBeNull();
  expect(daemon.process.signalCode).toBe("SIGKILL");
  return missingFrom(eventsOf(site.dataDir), broker.distinct());
}

describe("G1 an event that left the gateway", () => {
  it("G1 survives kill -9 at every seventh write and every fourth flush of the ledger", async () => {
    const rig = await openRig();
    const { site, broker } = rig;
    for (const { call, when } of points) expect(await lostBy(rig, call, when), `${call} ${when}`).toEqual([]);
    const ledger = [...eventsOf(site.dataDir).values()];
    const epochCount = ledger.filter(({ kind }) => kind === "epoch").length;
    const { chains } = verdictOf(
      ledger.map(({ bytes }) => bytes),
      site.dataDir,
    );
    expect(chains).toMatchObject([{ verdict: "whole", trust: "authentic", epochCount }]);
    const accepted = broker.distinct().size;
    expect(accepted).toBeGreaterThan(100);
    figure("G1", "kill", `${points.length} kills at a write or a flush, 0 of ${count(accepted)} accepted events lost`);
  });

  it("G1 is lost by a kill where the ledger answers before its commit", async () => {
    const rig = await openRig();
    const early = breakProgram({
      file: "src/ledger/ledger.js",
      from: 'pages.write(() => write(commit, isTight), byteCount, isOwn, commit.isLast === true) === "stored";',
      to: "(setTimeout(() => pages.write(() => write(commit, isTight), byteCount, true), 50), true);",
    });
    defer(() => early.remove());
    // Where the first kill finds nothing on its way to the disk, a later one does.
    let lostCount = 0;
    for (const when of [20, 30, 40, 50, 60])
      if (lostCount === 0) lostCount = (await lostBy(rig, "fsync", when, early.main)).length;
    expect(lostCount).toBeGreaterThan(0);
  });
});
