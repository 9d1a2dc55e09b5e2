import { describe, expect, it, vi } from "vitest";
import { startBelt } from "../fakes/gateway.ts";
import { count, figure } from "../figures.ts";
import { openScriptedBroker } from "./rig/broker.ts";
import { defer } from "./rig/defer.ts";
import { openLine } from "./rig/line.ts";
import { breakProgram } from "./rig/program.ts";

const window = 256;

/**
 * Kills the daemon at the moment when the nth event of a connection was acknowledged, several times over a backlog.
 * Gives how many events each connection brought that had been acknowledged before.
 */
async function repeatsOf(ackCounts: readonly number[], main?: string): Promise<number[]> {
  const broker = await openScriptedBroker({ script: { connack: 136 } });
  defer(() => broker.close());
  const { scanner, start } = await openLine({ brokerUrl: broker.url }, defer);
  const settings = main === undefined ? {} : { main };
  const first = await start(settings);
  const belt = startBelt(scanner, 1);
  await belt.passed(3_000);
  belt.stop();
  await vi.waitFor(() => expect(first.output.stdout).toContain("broker/down"));
  expect(await first.end()).toBe(0);
  broker.script = {};
  const acknowledged = new Set<number>();
  const repeats: number[] = [];
  for (const ackCount of ackCounts) {
    let repeated = 0;
    const before = broker.connectionCount;
    const daemon = await start(settings);
    await new Promise<void>((resolve) => {
      broker.onEvent = ({ connection, sequence, number }) => {
        if (connection <= before || number > ackCount) return;
        if (acknowledged.has(sequence)) repeated += 1;
        if (number < ackCount) return;
        daemon.process.kill("SIGKILL");
        resolve();
      };
    });
    await daemon.gone();
    for (const { sequence, isAcknowledged } of broker.events) if (isAcknowledged) acknowledged.add(sequence);
    repeats.push(repeated);
  }
  // Throws if one sequence ever came with two contents.
  expect(broker.distinct().size).toBeGreaterThan(ackCounts[0]!);
  return repeats;
}

describe("G4 a kill between an acknowledgement and its cursor", () => {
  it("G4 makes no more repeats than the window holds, each the same byte for byte", async () => {
    const repeats = await repeatsOf([300, 301, 340, 383, 384, 385, 400, 500]);
    expect(Math.max(...repeats)).toBeLessThanOrEqual(window);
    figure(
      "G4",
      "repeats",
      `${repeats.length} kills right after an acknowledgement: at most ${count(Math.max(...repeats))} repeats (window ${window}), all byte-identical`,
    );
  });

  it("G4 makes more repeats than the window holds where cursors are not written", async () => {
    const forgetful = breakProgram({
      file: "src/workers/outbox.js",
      from: "changed: () => changedCursors(slots)",
      to: "changed: () => new Map()",
    });
    defer(() => forgetful.remove());
    expect(Math.max(...(await repeatsOf([600, 600], forgetful.main)))).toBeGreaterThan(window);
  });
});
