import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { imbalances } from "../../src/control/index.ts";
import { askStatus, runCommand } from "../fakes/gateway.ts";
import { openFullDiskRig } from "./full-disk-rig.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Rig = Awaited<ReturnType<typeof openFullDiskRig>>;

/** A rig, and what whoever has its certificate makes of it. */
async function openJudgedRig(whenFull: string) {
  const rig = await openFullDiskRig(whenFull, cleanups);
  await rig.start();
  const out = mkdtempSync(join(tmpdir(), "sortgate-judged-"));
  cleanups.push(() => rmSync(out, { recursive: true, force: true }));
  const certificate = join(out, "device.crt");
  copyFileSync(join(rig.disk.dir, "identity", "device.crt"), certificate);
  const config = ["--config", rig.site.configPath];
  let exportCount = 0;
  return {
    ...rig,
    verify: () => runCommand(["queue", "verify", ...config, "--trust", certificate]),
    /** The sequences of an export, and what is said of it. */
    async exported() {
      const path = join(out, `${exportCount++}.jsonl`);
      const made = await runCommand(["queue", "export", ...config, "--reason", "T-1", "--confirm", "--output", path]);
      expect([made.stderr, made.code]).toEqual([expect.stringContaining("the export stands in the chain"), 0]);
      const lines = readFileSync(path, "utf8").trim().split("\n");
      const sequences = lines.map((line) => Number((JSON.parse(line) as { sequence: string }).sequence));
      return { sequences, ...(await runCommand(["verify", path, "--trust", certificate])) };
    },
  };
}

/** Everything that was sent is in the chain, or told as lost; with stop-reading the scanner waits. */
const settled = ({ site, sentCount }: Rig, isHeldUp: boolean): Promise<void> =>
  vi.waitFor(async () => {
    const { devices, queue } = await askStatus(site);
    if (isHeldUp) return expect(queue.full).toBeDefined();
    expect(devices[0]!.readCount).toBe(sentCount());
    expect(queue.uncommittedCount).toBe(0);
  }, 30_000);

async function expectWhole(rig: Awaited<ReturnType<typeof openJudgedRig>>): Promise<number[]> {
  const whole = expect.stringMatching(/^whole up to sequence \d+: .*authentic \(CN=line-3\)/m);
  expect(await rig.verify()).toMatchObject({ stdout: whole, code: 0 });
  const { sequences, stdout, code } = await rig.exported();
  expect([stdout, code]).toEqual([whole, 0]);
  return sequences;
}

/** Whether the first events are of an epoch of which a part went. */
async function beginsWithKept(rig: Awaited<ReturnType<typeof openJudgedRig>>): Promise<boolean> {
  return (await rig.verify()).stdout.includes("destroyed by the gateway, which signed it");
}

describe("what stays on a full disk that holds less than an epoch", () => {
  it.each(["drop-oldest", "drop-newest", "stop-reading"])(
    "with %s verifies by itself while the broker is away, once it is back, and after a kill",
    async (whenFull) => {
      const rig = await openJudgedRig(whenFull);
      rig.pass(300);
      await rig.allRead();
      rig.disk.fill();
      rig.pass(2_000);
      await settled(rig, whenFull === "stop-reading");
      await expectWhole(rig);
      await rig.openBroker();
      await settled(rig, false);
      // How much goes at once is a matter of when commits fall, and it may have ended where an epoch begins.
      for (let more = 0; more < 20 && !(await beginsWithKept(rig)); more += 1) {
        rig.pass(500);
        await settled(rig, false);
      }
      const [kept, next] = (await expectWhole(rig)) as [number, number];
      const { first } = (await askStatus(rig.site)).queue;
      // It is one of those that went, and stands before those that are there.
      expect([kept < first - 1, next >= first]).toEqual([true, true]);
      expect(rig.disk.freeBytes()).toBe(0);
      await rig.end("SIGKILL");
      rig.disk.fill();
      await rig.start();
      await expectWhole(rig);
      rig.disk.free();
      expect(imbalances(await askStatus(rig.site))).toEqual([]);
    },
    120_000,
  );

  it("shows an event that somebody altered in the file and made to fit, and an epoch event that was kept", async () => {
    const rig = await openJudgedRig("drop-oldest");
    rig.pass(300);
    await rig.allRead();
    rig.disk.fill();
    rig.pass(3_000);
    await rig.allRead();
    await expectWhole(rig);
    const script = join(import.meta.dirname, "altered-row.scenario.mjs");
    for (const [what, sign] of [
      ["event", /altered: the signature does not fit/],
      ["kept", /^ {2}sequence 1 \(line 1\) altered/m],
    ] as const) {
      await rig.end("SIGTERM");
      rig.disk.free();
      const [first, ...rest] = rig.disk.under as [string, ...string[]];
      const path = join(rig.site.dataDir, "ledger.db");
      const altered = spawnSync(first, [...rest, process.execPath, script, path, what], { encoding: "utf8" });
      expect([altered.stderr, altered.status]).toEqual(["", 0]);
      await rig.start();
      expect(await rig.verify()).toMatchObject({ stdout: expect.stringMatching(sign), code: 1 });
      expect(await rig.exported()).toMatchObject({ stdout: expect.stringMatching(sign), code: 1 });
    }
  }, 120_000);
});
