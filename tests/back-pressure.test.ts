import { describe, expect, it } from "vitest";
import { createBackPressure } from "../src/back-pressure.ts";
import { limits } from "../src/model/limits.ts";
import type { Notice } from "../src/model/notice.ts";

type Policy = Parameters<typeof createBackPressure>[0]["whenFull"];

function aRig(whenFull: Policy = "drop-oldest") {
  const ledger = { count: 0, isRoom: true };
  const notices: Notice[] = [];
  let nowMs = 0;
  const pressure = createBackPressure({
    ledger: { uncommittedCount: () => ledger.count, hasRoom: () => ledger.isRoom },
    whenFull,
    clock: { monotonicMs: () => nowMs },
    tell: (notice) => notices.push(notice),
  });
  const calls: string[] = [];
  const aDevice = (name: string) => ({
    pause: () => void calls.push(`${name} waits`),
    resume: () => void calls.push(`${name} goes on`),
  });
  pressure.add(aDevice("a"));
  return {
    pressure,
    calls,
    notices,
    aDevice,
    /** What was done when so much waits for its commit. */
    at(count: number, isRoom = true): string[] {
      Object.assign(ledger, { count, isRoom });
      pressure.check();
      return calls.splice(0);
    },
    later(ms: number) {
      nowMs += ms;
    },
  };
}

const max = limits.uncommittedEventsMax;

describe("back-pressure", () => {
  it("makes devices wait above half of what may be uncommitted, until less than a quarter is", () => {
    const { at, pressure } = aRig();
    expect(at(max / 2)).toEqual([]);
    expect(at(max / 2 + 1)).toEqual(["a waits"]);
    expect(pressure.reason()).toBe("overload");
    expect(at(max)).toEqual([]);
    expect(at(max / 4)).toEqual([]);
    expect(at(max / 4 - 1)).toEqual(["a goes on"]);
    expect(pressure.reason()).toBeUndefined();
    expect(at(max / 2)).toEqual([]);
  });

  it("makes a device wait that comes while the others do", () => {
    const { at, pressure, calls, aDevice } = aRig();
    at(max);
    pressure.add(aDevice("b"));
    expect(calls.splice(0)).toEqual(["b waits"]);
    expect(at(0)).toEqual(["a goes on", "b goes on"]);
  });

  it("with stop-reading makes them wait as long as the ledger has no room, however little waits", () => {
    const { at, pressure } = aRig("stop-reading");
    expect(at(1, false)).toEqual(["a waits"]);
    expect(pressure.reason()).toBe("full");
    expect(at(0, false)).toEqual([]);
    expect(at(max / 2, true)).toEqual([]);
    expect(pressure.reason()).toBe("overload");
    expect(at(0, true)).toEqual(["a goes on"]);
  });

  it.each(["drop-oldest", "drop-newest"] as const)("with %s lets nobody wait for a full ledger", (policy) => {
    const { at } = aRig(policy);
    expect(at(max, false)).toEqual([]);
    expect(at(max, true)).toEqual(["a waits"]);
    expect(at(max, false)).toEqual(["a goes on"]);
  });

  it("is told once when it begins and once when it is over, and no oftener than each minute", () => {
    const { at, notices, later } = aRig("stop-reading");
    const told = () => notices.splice(0).map(({ name, level }) => `${name} ${level}`);
    at(1, false);
    at(2, false);
    expect(told()).toEqual(["read/paused warn"]);
    at(0);
    expect(told()).toEqual(["read/resumed info"]);
    later(59_999);
    at(1, false);
    at(0);
    expect(told()).toEqual([]);
    later(1);
    at(1, false);
    expect(told()).toEqual(["read/paused warn"]);
  });
});
