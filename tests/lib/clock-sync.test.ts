import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ClockSync, watchClockSync } from "../../src/lib/clock-sync.ts";

let dir: string;
const open: ClockSync[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sortgate-clock-"));
});
afterEach(() => {
  for (const sync of open.splice(0)) sync.close();
  rmSync(dir, { recursive: true, force: true });
});

/** A `timedatectl` of our own, and the marker of systemd-timesyncd if wanted. */
function watch({ script, marker = false }: { script?: string; marker?: boolean }): ClockSync {
  const command = join(dir, "timedatectl");
  if (script !== undefined) {
    writeFileSync(command, `#!/bin/sh\necho "$@" > ${join(dir, "asked")}\n${script}\n`);
    chmodSync(command, 0o755);
  }
  const markerPath = join(dir, "synchronized");
  if (marker) writeFileSync(markerPath, "");
  const sync = watchClockSync({ command, markerPath, askMs: 20, settledMs: 20, answerMs: 300 });
  open.push(sync);
  return sync;
}

describe("the state of this box's clock", () => {
  it("is that of the kernel, which chrony and ntpd tell too: no marker is needed", async () => {
    const sync = watch({ script: 'test "$*" = "show -p NTP -p NTPSynchronized" && echo NTPSynchronized=yes' });
    expect(sync.isSynchronized()).toBe(false);
    await expect.poll(() => sync.isSynchronized(), { timeout: 10_000 }).toBe(true);
  });

  it("is that of the kernel also when a marker is left over", async () => {
    const sync = watch({ script: "echo NTPSynchronized=no", marker: true });
    await expect.poll(() => sync.isSynchronized(), { timeout: 10_000 }).toBe(false);
  });

  it("follows the kernel in both directions", async () => {
    const answer = join(dir, "answer");
    writeFileSync(answer, "NTPSynchronized=no\n");
    const sync = watch({ script: `cat ${answer}` });
    for (const [text, expected] of [
      ["NTPSynchronized=yes\n", true],
      ["NTPSynchronized=no\n", false],
    ] as const) {
      writeFileSync(answer, text);
      await expect.poll(() => sync.isSynchronized(), { timeout: 10_000 }).toBe(expected);
    }
  });

  it.each([
    ["is not there", undefined],
    ["finds no system bus", "echo 'Failed to connect to bus' >&2; exit 1"],
    ["hangs", "exec sleep 60"],
  ])("is told by the marker of systemd-timesyncd where timedatectl %s", async (_fault, script) => {
    const sync = watch({ ...(script === undefined ? {} : { script }) });
    expect(sync.isSynchronized()).toBe(false);
    writeFileSync(join(dir, "synchronized"), "");
    await expect.poll(() => sync.isSynchronized(), { timeout: 10_000 }).toBe(true);
    rmSync(join(dir, "synchronized"));
    await expect.poll(() => sync.isSynchronized(), { timeout: 10_000 }).toBe(false);
  });

  it.each([
    ["a service is on that has not set it yet", "echo NTP=yes; echo NTPSynchronized=no", true],
    ["somebody sets it whom systemd does not know", "echo NTP=no; echo NTPSynchronized=yes", true],
    ["no service is on", "echo NTP=no; echo NTPSynchronized=no", false],
    ["there is no timedatectl", "exit 127", false],
  ])("tells whether there is a time service: %s", async (_case, script, expected) => {
    const sync = watch({ script });
    // Until it was asked, nobody can say that there is none.
    expect(sync.hasTimeService()).toBe(true);
    await expect.poll(() => existsSync(join(dir, "asked")), { timeout: 10_000 }).toBe(true);
    rmSync(join(dir, "asked"));
    await expect.poll(() => existsSync(join(dir, "asked")), { timeout: 10_000 }).toBe(true);
    expect(sync.hasTimeService()).toBe(expected);
  });
});
