import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { aWaybill, framed, startBelt } from "../fakes/gateway.ts";
import { count, figure } from "../figures.ts";
import { openScriptedBroker, type ScriptedBroker } from "./rig/broker.ts";
import { defer } from "./rig/defer.ts";
import { openLine, verdictOf } from "./rig/line.ts";
import { breakProgram } from "./rig/program.ts";
import { clockFrom } from "./rig/wrong-clock.ts";

interface ReadEvent {
  readonly sequence: number;
  readonly type: string;
  readonly data: { readonly code?: string; readonly clock: { synced: boolean; boot: string; monotonicMs: number } };
}

const readsOf = (broker: ScriptedBroker): ReadEvent[] =>
  [...broker.distinct()]
    .sort(([a], [b]) => a - b)
    .map(([sequence, bytes]) => ({ ...(JSON.parse(bytes.toString()) as ReadEvent), sequence }))
    .filter(({ type }) => type === "org.sortgate.read.v1");

/** How often the chain tells that the clock was set. */
const alarmsOf = (broker: ScriptedBroker): number =>
  [...broker.distinct().values()].filter((bytes) => bytes.includes('"alarm":"clock-stepped"')).length;

/** Codes with more than one event: one parcel that was told twice. */
function twice(reads: readonly ReadEvent[]): string[] {
  const seen = new Set<string>();
  const again = new Set<string>();
  for (const { data } of reads) (seen.has(data.code ?? "") ? again : seen).add(data.code ?? "");
  return [...again];
}

const steps = ["-400d", "+60d", "+0", "+30d", "-30d", "+30d", "+0"];

/** Sets the clock again and again while parcels pass, one of which lies on the read point all the time. */
async function stepClock(main?: string): Promise<{ broker: ScriptedBroker; dataDir: string; passed: number }> {
  const broker = await openScriptedBroker();
  defer(() => broker.close());
  const { site, scanner, start } = await openLine({ brokerUrl: broker.url }, defer);
  const clockFile = join(site.dir, "clock");
  const set = (offset: string): void => writeFileSync(clockFile, `${offset}\n`);
  set("+0");
  const daemon = await start({ env: clockFrom(clockFile), ...(main === undefined ? {} : { main }) });
  const lying = setInterval(() => scanner.send(framed(aWaybill(999_999))), 50);
  defer(() => clearInterval(lying));
  const belt = startBelt(scanner, 10);
  defer(() => belt.stop());
  let told = 0;
  for (const step of steps) {
    const before = belt.passedCount();
    set(step);
    await vi.waitFor(() => expect(belt.passedCount()).toBeGreaterThan(before + 50), 20_000);
    // What passed after the clock was set arrives without waiting for anything.
    await vi.waitFor(() => expect(broker.codes()).toContain(aWaybill(before + 40)), 20_000);
    if (main !== undefined) continue;
    told += 1;
    await vi.waitFor(() => expect(alarmsOf(broker)).toBe(told), 20_000);
  }
  const passed = belt.passedCount();
  await belt.passed(passed);
  await vi.waitFor(() => expect(broker.codes().size).toBe(passed + 1), 20_000);
  clearInterval(lying);
  expect(await daemon.end()).toBe(0);
  return { broker, dataDir: site.dataDir, passed };
}

describe("G18 a clock that is wrong and jumps", () => {
  it("G18 loses, repeats, reorders and delays nothing, and breaks no connection", async () => {
    const { broker, dataDir, passed } = await stepClock();
    expect(broker.connectionCount).toBe(1);
    const reads = readsOf(broker);
    expect(twice(reads)).toEqual([]);
    const numbers = reads.map(({ data }) => Number(data.code?.slice(3))).filter((number) => number !== 999_999);
    expect(numbers).toEqual(Array.from({ length: passed }, (_, index) => index));
    // Within one run the monotonic clock of the events tells their true distance, whatever the wall clock says.
    const monotonic = reads.map(({ data }) => data.clock.monotonicMs);
    expect(monotonic).toEqual([...monotonic].sort((a, b) => a - b));
    expect(new Set(reads.map(({ data }) => data.clock.boot)).size).toBe(1);
    expect(reads.every(({ data }) => data.clock.synced === false)).toBe(true);
    const events = [...broker.distinct()].sort(([a], [b]) => a - b).map(([, bytes]) => bytes);
    expect(verdictOf(events, dataDir).chains).toMatchObject([{ verdict: "whole", trust: "authentic" }]);
    figure(
      "G18",
      "steps",
      `${steps.length} steps between −400 and +60 days under load: ${count(passed)} parcels, each one event, in order, on one connection`,
    );
  });

  it("G18 makes a second event of one parcel where passes are timed by the wall clock", async () => {
    const dated = breakProgram({
      file: "src/lib/clock.js",
      from: "monotonicMs: () => performance.now()",
      to: "monotonicMs: () => Date.now()",
    });
    defer(() => dated.remove());
    const { broker } = await stepClock(dated.main);
    expect(twice(readsOf(broker)).length).toBeGreaterThan(0);
  });
});
