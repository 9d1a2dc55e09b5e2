import { describe, expect, it } from "vitest";
import { createForecastWatch, createHeartbeat } from "../src/self-watch.ts";

const settled = () => new Promise(setImmediate);

describe("the watchdog", () => {
  const rig = () => {
    let nowMs = 0;
    let fedCount = 0;
    const asked: { resolve: (value: unknown) => void; reject: (error: Error) => void }[] = [];
    const beat = createHeartbeat({
      clock: { monotonicMs: () => nowMs },
      everyMs: 5_000,
      beat: () => new Promise((resolve, reject) => void asked.push({ resolve, reject })),
      feed() {
        fedCount += 1;
      },
    });
    return {
      asked,
      fedCount: () => fedCount,
      tick(ms: number) {
        nowMs += ms;
        beat();
      },
    };
  };
  it("is fed when a commit was proven, and only then", async () => {
    const { asked, fedCount, tick } = rig();
    tick(5_000);
    await settled();
    expect(fedCount()).toBe(0);
    asked[0]!.resolve(null);
    await settled();
    expect(fedCount()).toBe(1);
    tick(5_000);
    asked[1]!.reject(new Error("the ledger thread is gone"));
    await settled();
    expect(fedCount()).toBe(1);
  });

  it("asks a ledger thread that does not answer no second time", async () => {
    const { asked, tick } = rig();
    for (let second = 0; second < 50; second += 5) tick(5_000);
    expect(asked).toHaveLength(1);
    asked[0]!.resolve(null);
    await settled();
    tick(5_000);
    expect(asked).toHaveLength(2);
  });

  it("is not fed while the main thread is late by a second or more", async () => {
    const { asked, tick } = rig();
    tick(5_999);
    expect(asked).toHaveLength(1);
    asked[0]!.resolve(null);
    await settled();
    tick(6_000);
    expect(asked).toHaveLength(1);
    tick(5_500);
    expect(asked).toHaveLength(2);
  });
});

describe("the forecast", () => {
  it.each([
    ["bytes_max", /raise queue\.bytes_max$/],
    ["disk", /disk of data_dir has less room than queue\.bytes_max: bring the broker back, or free the disk: df -h$/],
  ] as const)(
    "is an event and a line of the log once when the ledger fills within a shift, and once when that is over (%s)",
    async (limit, remedy) => {
      let nowMs = 0;
      let last = 1_000;
      let deliveredTo = 1_000;
      let isUp = false;
      const alarms: unknown[] = [];
      const notices: string[] = [];
      const messages: string[] = [];
      const watch = createForecastWatch({
        // 100 events of 1 kB a second; there is room for 10,000 s of them.
        sample: async () => ({
          nowMs,
          first: 1,
          last,
          usedBytes: last * 1_000,
          bytesMax: 1_000_000_000,
          limit,
          brokers: [{ isUp, queuedCount: last - deliveredTo, deliveredTo }],
        }),
        alarm: (data) => alarms.push(data),
        tell: ({ name, level, message }) => {
          notices.push(`${name} ${level}`);
          messages.push(message);
        },
      });
      const run = async (seconds: number): Promise<void> => {
        for (let second = 0; second < seconds; second += 1) {
          nowMs += 1_000;
          last += 100;
          if (isUp) deliveredTo = last;
          watch.tick();
          await settled();
        }
      };
      await run(60);
      expect(alarms).toEqual([{ alarm: "ledger-fills", state: "raised", hours: 2.8 }]);
      expect(messages[0]).toMatch(remedy);
      isUp = true;
      await run(60);
      expect(watch.now()).toEqual({ hoursUntilFull: null, hoursUntilDrained: [0] });
      expect(alarms.slice(1)).toEqual([{ alarm: "ledger-fills", state: "cleared" }]);
      expect(notices).toEqual(["ledger/fills warn", "ledger/fills info"]);
    },
  );
});
