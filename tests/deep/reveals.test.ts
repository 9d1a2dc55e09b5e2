import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { aWaybill, type Finished, framed, runCommand } from "../fakes/gateway.ts";
import { openScriptedBroker } from "./rig/broker.ts";
import { defer } from "./rig/defer.ts";
import { openLine } from "./rig/line.ts";
import { breakProgram } from "./rig/program.ts";
import { clockFrom } from "./rig/wrong-clock.ts";

const dayMs = 86_400_000;

/** Somebody is given six numbers, of which five are allowed, half an hour before midnight; then the clock is set on by an hour. */
async function overMidnight(main?: string) {
  const broker = await openScriptedBroker();
  defer(() => broker.close());
  const { site, scanner, start } = await openLine({ brokerUrl: broker.url, control: "reveals_max = 5" }, defer);
  const clockFile = join(site.dir, "clock");
  const evening = Math.round((dayMs - (Date.now() % dayMs)) / 1_000 - 1_800);
  writeFileSync(clockFile, `+${evening}\n`);
  await start({ env: clockFrom(clockFile), ...(main === undefined ? {} : { main }) });
  for (let parcel = 1; parcel <= 6; parcel += 1) scanner.send(framed(aWaybill(parcel)));
  await vi.waitFor(() => expect(broker.codes().size).toBe(6), 20_000);
  const run = (words: string): Promise<Finished> =>
    runCommand([...words.split(" "), "--config", site.configPath], { ...process.env, SUDO_USER: "alice" });
  const exportAs = (reason: string): Promise<Finished> => run(`queue export --reason ${reason}`);
  const alarms = (): Readonly<Record<string, unknown>>[] =>
    [...broker.distinct().values()]
      .map((bytes) => (JSON.parse(bytes.toString()) as { data: Record<string, unknown> }).data)
      .filter(({ alarm }) => alarm === "reveals");
  const before = [await exportAs("T-1"), await exportAs("T-2"), await run("status")].map(({ code }) => code);
  await vi.waitFor(() => expect(alarms()).toHaveLength(1), 20_000);
  writeFileSync(clockFile, `+${evening + 3_600}\n`);
  return { before, alarms, status: await run("status"), exportAs };
}

describe("R40 the numbers that somebody was given", () => {
  it("R40 count anew from midnight on: no problem is told, an export goes, and what passes the limit is told of that day", async () => {
    const { before, alarms, status, exportAs } = await overMidnight();
    expect(before).toEqual([0, 1, 1]);
    expect([status.code, status.stdout.includes("numbers in clear")]).toEqual([0, false]);
    const next = await exportAs("T-3");
    expect([next.code, new Set(next.stdout.match(/"code":"SF1\d{12}"/g)).size]).toEqual([0, 6]);
    await vi.waitFor(() => expect(alarms()).toHaveLength(2), 20_000);
    const [first, second] = alarms().map(({ day }) => Date.parse(String(day)));
    expect(second! - first!).toBe(dayMs);
    expect(alarms()).toMatchObject([{ count: 6 }, { count: 6 }]);
    expect((await exportAs("T-4")).code).toBe(1);
  });

  it("R40 count on where nobody looks at the day", async () => {
    const broken = breakProgram({ file: "src/control/reveals.js", from: "today !== day", to: 'day === ""' });
    defer(() => broken.remove());
    const { before, status, exportAs } = await overMidnight(broken.main);
    expect([...before, status.code, (await exportAs("T-3")).code]).toEqual([0, 1, 1, 1, 1]);
  });
});
