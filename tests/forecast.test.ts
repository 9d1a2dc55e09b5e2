import { describe, expect, it } from "vitest";
import { ceilingOf, createForecast, createFullAlarm, type Forecast, type ForecastSample } from "../src/forecast.ts";

const hourMs = 3_600_000;
const eventBytes = 900;

interface Line {
  /** Events a second that come in, and that the broker takes when it is up and lacks some. */
  intake: number;
  taken: number;
  isUp: boolean;
}

/** A gateway in figures: time is stepped, nothing else happens. */
function simulate(line: Line, { bytesMax = 2_000_000_000, queuedCount = 0, noise = 0 } = {}) {
  const forecast = createForecast();
  let nowMs = 0;
  let last = 10_000 + queuedCount;
  let queued = queuedCount;
  let random = 1;
  const sampleOf = (): ForecastSample => {
    const first = 1;
    const [whole, lacks] = [Math.floor(last), Math.ceil(queued)];
    const broker = { isUp: line.isUp, queuedCount: lacks, deliveredTo: whole - lacks };
    return {
      nowMs,
      last: whole,
      first,
      usedBytes: whole * eventBytes,
      bytesMax,
      limit: "bytes_max",
      brokers: [broker],
    };
  };
  const second = (): void => {
    nowMs += 1_000;
    // The same on each run: a belt that is busier in one second than in the next.
    random = (random * 16_807) % 2_147_483_647;
    const came = line.intake * (1 + noise * (random / 1_073_741_824 - 1));
    last += came;
    queued = Math.max(0, queued + came - (line.isUp ? Math.min(line.taken, queued + came) : 0));
    forecast.sample(sampleOf());
  };
  return {
    line,
    run(seconds: number) {
      for (let count = 0; count < seconds; count += 1) second();
    },
    now: (): Forecast => forecast.now(),
    /** Runs until it is so; gives the hours that it took. */
    hoursUntil(isSo: (sample: ForecastSample) => boolean): number {
      const since = nowMs;
      while (!isSo(sampleOf())) second();
      return (nowMs - since) / hourMs;
    },
  };
}

const isFull = ({ brokers, last, bytesMax }: ForecastSample): boolean =>
  (last - brokers[0]!.deliveredTo) * eventBytes >= bytesMax;
const isDrained = ({ brokers }: ForecastSample): boolean => brokers[0]!.queuedCount === 0;

describe("what the events may take", () => {
  const ledger = { usedBytesMax: 1_993_000_000, fileBytes: 6_000_000, walBytes: 6_000_000 };

  it("is what the quota allows while the disk has as much", () => {
    for (const freeBytes of [undefined, 1_988_000_000, 9_000_000_000])
      expect(ceilingOf(ledger, 2_000_000_000, freeBytes)).toEqual({ bytesMax: 1_993_000_000, limit: "bytes_max" });
  });

  it("is what the files hold and the disk has left where that is less", () => {
    expect(ceilingOf(ledger, 2_000_000_000, 780_000)).toEqual({ bytesMax: 5_780_000, limit: "disk" });
    // A file that has grown to its quota needs nothing of the disk.
    expect(ceilingOf({ ...ledger, fileBytes: 1_994_000_000 }, 2_000_000_000, 0).limit).toBe("bytes_max");
  });
});

describe("hours until the ledger is full", () => {
  it.each([0, 0.5, 1])("are foretold within a tenth while a broker is away (noise %d)", (noise) => {
    const site = simulate({ intake: 40, taken: 1_000, isUp: true }, { bytesMax: 300_000_000, noise });
    site.run(900);
    site.line.isUp = false;
    site.run(1_800);
    const foretold = site.now().hoursUntilFull!;
    const came = site.hoursUntil(isFull);
    expect(Math.abs(foretold - came) / came).toBeLessThan(0.1);
    expect(site.now().hoursUntilFull!).toBeLessThan(0.05);
  });

  it("are foretold right after the broker went away", () => {
    const site = simulate({ intake: 40, taken: 1_000, isUp: true }, { bytesMax: 300_000_000 });
    site.run(900);
    site.line.isUp = false;
    site.run(2);
    const foretold = site.now().hoursUntilFull!;
    const came = site.hoursUntil(isFull);
    expect(Math.abs(foretold - came) / came).toBeLessThan(0.1);
  });

  it("are foretold as before until a broker that came up has shown what it takes", () => {
    const site = simulate({ intake: 100, taken: 10_000, isUp: false }, { queuedCount: 1_000_000 });
    site.run(600);
    const before = site.now().hoursUntilFull ?? 0;
    expect(before).toBeGreaterThan(0);
    site.line.isUp = true;
    site.run(5);
    expect(site.now().hoursUntilFull).toBeCloseTo(before, 0);
    site.run(20);
    expect(site.now().hoursUntilFull).toBeNull();
  });

  it("are foretold when a broker is up and takes less than comes in", () => {
    const site = simulate({ intake: 100, taken: 60, isUp: true }, { bytesMax: 300_000_000 });
    site.run(600);
    const foretold = site.now().hoursUntilFull!;
    const came = site.hoursUntil(isFull);
    expect(Math.abs(foretold - came) / came).toBeLessThan(0.1);
  });

  it("are none while brokers keep up, also when the disk is full of what they have", () => {
    const site = simulate({ intake: 100, taken: 1_000, isUp: true }, { bytesMax: 50_000_000, noise: 1 });
    site.run(3_600);
    expect(site.now()).toEqual({ hoursUntilFull: null, hoursUntilDrained: [0] });
  });

  it("are none when nothing comes in, and before there is a rate", () => {
    const site = simulate({ intake: 0, taken: 0, isUp: false });
    site.run(5);
    expect(site.now().hoursUntilFull).toBeNull();
    site.run(600);
    expect(site.now().hoursUntilFull).toBeNull();
    expect(createForecast().now()).toEqual({ hoursUntilFull: null, hoursUntilDrained: [] });
  });

  it("are none when the queue will have drained by then", () => {
    const site = simulate({ intake: 100, taken: 150, isUp: true }, { queuedCount: 100_000 });
    site.run(60);
    expect(site.now().hoursUntilFull).toBeNull();
  });
});

describe("hours until a broker has all", () => {
  it.each([0, 1])("are foretold within a tenth at a constant rate (noise %d)", (noise) => {
    const site = simulate({ intake: 100, taken: 0, isUp: false }, { queuedCount: 500_000, noise });
    site.run(900);
    Object.assign(site.line, { isUp: true, taken: 250 });
    site.run(30);
    const foretold = site.now().hoursUntilDrained[0]!;
    const came = site.hoursUntil(isDrained);
    expect(Math.abs(foretold - came) / came).toBeLessThan(0.1);
    expect(site.now().hoursUntilDrained).toEqual([0]);
  });

  it("are none while it is away, and while it takes no more than comes in", () => {
    const site = simulate({ intake: 100, taken: 100, isUp: false }, { queuedCount: 50_000 });
    site.run(60);
    expect(site.now().hoursUntilDrained).toEqual([null]);
    site.line.isUp = true;
    site.run(600);
    expect(site.now().hoursUntilDrained).toEqual([null]);
  });
});

describe("the alarm that the ledger fills", () => {
  it("is raised once below 8 hours and cleared once from 10 hours on", () => {
    const alarm = createFullAlarm();
    const looks = [null, 12, 8, 7.9, 5, 9.9, 7, 8.5, 10, 9, 8, 7, null, null];
    expect(looks.map((hours) => alarm.look(hours))).toEqual([
      ...[undefined, undefined, undefined, "raised", undefined, undefined, undefined, undefined],
      ...["cleared", undefined, undefined, "raised", "cleared", undefined],
    ]);
  });
});
