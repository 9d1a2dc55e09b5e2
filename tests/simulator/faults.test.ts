import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { type DeviceKey, makeDeviceKey } from "../../simulator/faults/device-key.ts";
import { runHistory } from "../../simulator/faults/history.ts";
import type { PointPlan } from "../../simulator/faults/plan.ts";
import type { Parts } from "../../simulator/faults/process.ts";
import type { ChainRow, Ledger } from "../../src/ledger/index.ts";
import type { SealedEvent } from "../../src/model/event.ts";
import type { LedgerBacklog } from "../../src/workers/index.ts";

let deviceKey: DeviceKey;
beforeAll(async () => {
  deviceKey = await makeDeviceKey();
});

const longMs = 600_000;

const seedsMax = 60;

/** Whether one of the first histories breaks one of these promises. */
async function finds(oracles: readonly string[], parts: Parts): Promise<boolean> {
  for (let seed = 1; seed <= seedsMax; seed += 1) {
    const { violation } = await runHistory({ seed, deviceKey, isVerified: false, parts });
    if (violation !== undefined && oracles.includes(violation.oracle)) return true;
  }
  return false;
}

describe("the fault simulator", () => {
  it(
    "finds nothing in 200 histories, the chains of some of them verified",
    async () => {
      const broken: unknown[] = [];
      for (let seed = 1; seed <= 200; seed += 1) {
        const { violation } = await runHistory({ seed, deviceKey, isVerified: seed % 10 === 0 });
        if (violation !== undefined) broken.push({ seed, ...violation });
      }
      expect(broken).toEqual([]);
    },
    longMs,
  );

  it.each([
    [104296, "a clock that was set back before a restart"],
    [108765, "a clock that was set within the last second before a stop"],
    [200219, "a disk that breaks while refused events are tried again"],
    [802734, "a clock that was set back by a year just before a crash"],
  ])("finds nothing in history %i any more: %s", async (seed) => {
    expect((await runHistory({ seed, deviceKey, isVerified: true })).violation).toBeUndefined();
  });

  it("lives the same history again from the same seed, and another one from another", async () => {
    const digests = async (): Promise<string[]> => {
      const all: string[] = [];
      for (let seed = 11; seed <= 20; seed += 1)
        all.push((await runHistory({ seed, deviceKey, isVerified: seed === 20 })).trace.digest());
      return all;
    };
    const first = await digests();
    expect(await digests()).toEqual(first);
    expect(new Set(first).size).toBe(first.length);
  });
});

describe("the command", () => {
  const main = join(import.meta.dirname, "../../dist/simulator/faults/main.js");
  const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });

  it("prints one history, and how many there were", () => {
    const { status, stdout } = run("--seed", "88", "--seeds", "1", "--verbose");
    expect({ status, stdout }).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^ +\d+\.\d\d run 0 starts$/m),
    });
    expect(stdout).toMatch(/^1 histories from seed 88: \d+ events in \d+ runs/m);
  });

  it("says what it takes, in one sentence", () => {
    const { status, stderr } = run("--seeds", "many");
    expect({ status, stderr }).toEqual({ status: 2, stderr: "--seeds takes a whole number\n" });
  });
});

describe("the fault simulator finds", () => {
  it("a store that forgets its last commit when the process ends", async () => {
    let before: ChainRow | undefined;
    const forgetful = (ledger: Ledger, run: number): Ledger => {
      if (run === 0) before = undefined;
      let forgotten = before;
      return {
        ...ledger,
        chain: () => forgotten ?? ledger.chain(),
        extent: () => (forgotten === undefined ? ledger.extent() : { ...ledger.extent(), last: forgotten.sequence }),
        commit(commit) {
          forgotten = undefined;
          before = ledger.chain();
          return ledger.commit(commit);
        },
      };
    };
    expect(await finds(["gapless", "chain"], { ledger: forgetful })).toBe(true);
  });

  it("a store that says that it has what it had no room for", async () => {
    const lying = (ledger: Ledger): Ledger => ({
      ...ledger,
      commit: (commit) => {
        ledger.commit(commit);
        return "stored";
      },
    });
    expect(await finds(["gapless", "durable-first"], { ledger: lying })).toBe(true);
  });

  it("a cursor that moves before the broker has acknowledged", async () => {
    const hasty = (backlog: LedgerBacklog): LedgerBacklog => ({
      connect(onEvents) {
        const connection = backlog.connect((events) => {
          connection.settle(
            events.map(({ sequence }) => sequence),
            [],
          );
          onEvents(events);
        });
        return connection;
      },
    });
    expect(await finds(["settled"], { backlog: hasty })).toBe(true);
  });

  it("a forwarder that never sends again what it sent before", async () => {
    const sent = new Map<string, Set<number>>();
    const once = (backlog: LedgerBacklog, broker: string): LedgerBacklog => {
      const known = new Set<number>();
      sent.set(broker, known);
      return {
        connect(onEvents) {
          const connection = backlog.connect((events) => {
            const fresh = events.filter(({ sequence }) => !known.has(sequence));
            for (const { sequence } of fresh) known.add(sequence);
            connection.want(events.length - fresh.length);
            onEvents(fresh);
          });
          return connection;
        },
      };
    };
    expect(await finds(["stuck"], { backlog: once })).toBe(true);
  });

  it("a forwarder that asks for more than its window", async () => {
    const greedy = (backlog: LedgerBacklog): LedgerBacklog => ({
      connect(onEvents) {
        const connection = backlog.connect(onEvents);
        return { ...connection, want: (count) => connection.want(count * 2) };
      },
    });
    expect(await finds(["window"], { backlog: greedy })).toBe(true);
  });

  it("a forwarder that tries more events again before the last of them is written down", async () => {
    const hasty = (backlog: LedgerBacklog): LedgerBacklog => ({
      connect: (onEvents) => ({ ...backlog.connect(onEvents), written: async () => {} }),
    });
    const { violation } = await runHistory({
      seed: 200219,
      deviceKey,
      isVerified: false,
      parts: { backlog: hasty },
    });
    expect(violation?.oracle).toBe("repeats");
  });

  it("a backlog that goes before what is live", async () => {
    const next = new Map<string, number>();
    const inOrder = (backlog: LedgerBacklog, broker: string): LedgerBacklog => ({
      connect(onEvents) {
        let held: SealedEvent[] = [];
        const connection = backlog.connect((events) => {
          held = [...held, ...events].sort((a, b) => a.sequence - b.sequence);
          for (const event of [...held]) {
            if (event.sequence > (event.sequence === 1 ? 1 : (next.get(broker) ?? 1))) break;
            held.shift();
            next.set(broker, Math.max(event.sequence === 1 ? 2 : next.get(broker)!, event.sequence + 1));
            onEvents([event]);
          }
          if (held.length > 0) connection.want(events.length);
        });
        return connection;
      },
    });
    expect(await finds(["live-first"], { backlog: inOrder })).toBe(true);
  });

  it("a window that merges two passes", async () => {
    const lasting = (point: PointPlan): PointPlan => ({ ...point, departMs: point.departMs * 2, passMaxMs: 100_000 });
    expect(await finds(["one-event"], { point: lasting })).toBe(true);
  });

  it("a window that tells one pass twice", async () => {
    const fleeting = (point: PointPlan): PointPlan => ({ ...point, departMs: Math.ceil(point.departMs / 4) });
    expect(await finds(["one-event"], { point: fleeting })).toBe(true);
  });
});
