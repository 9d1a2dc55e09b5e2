import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { canonicalize } from "../../src/seal/index.ts";
import { askStatus, startBelt } from "../fakes/gateway.ts";
import { count, figure } from "../figures.ts";
import { openScriptedBroker } from "./rig/broker.ts";
import { defer } from "./rig/defer.ts";
import { openLine } from "./rig/line.ts";

/** Debian's own Python, whose cryptography is a package of the system. */
const python = "/usr/bin/python3";
const script = join(import.meta.dirname, "verify_chain.py");

beforeAll(() => {
  // Said here, because a missing module of Python would look like a broken chain.
  try {
    execFileSync(python, ["-c", "import cryptography"], { stdio: "pipe" });
  } catch (cause) {
    throw new Error("NOT RUN: G19 in Python needs the Debian package python3-cryptography", { cause });
  }
});

interface Finding {
  readonly events: number;
  readonly epochs: number;
  readonly checkpoints: number;
  readonly problems: readonly string[];
}

interface Altered {
  readonly tried: number;
  /** Where a byte could be altered without anybody noticing. */
  readonly unnoticed: readonly number[];
}

function ask<Answer>(lines: readonly Uint8Array[], certificatePath: string, ...more: string[]): Answer {
  const folder = mkdtempSync(join(tmpdir(), "sortgate-capture-"));
  try {
    const path = join(folder, "events.jsonl");
    writeFileSync(path, Buffer.concat(lines.flatMap((line) => [line, Buffer.from("\n")])));
    return JSON.parse(execFileSync(python, [script, path, certificatePath, ...more], { encoding: "utf8" })) as Answer;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a subscriber captured of two runs of the daemon, in the order in which it came. */
async function capture(crypto: "intl" | "gm" = "intl"): Promise<{ lines: Buffer[]; certificatePath: string }> {
  const broker = await openScriptedBroker();
  defer(() => broker.close());
  // The config of the line ends with its `[guard]`.
  const { site, scanner, start } = await openLine({ brokerUrl: broker.url, more: `crypto = "${crypto}"\n` }, defer);
  for (const first of [0, 1_000]) {
    const daemon = await start();
    const belt = startBelt(scanner, 5, first);
    await belt.passed(60);
    belt.stop();
    await vi.waitFor(async () => expect((await askStatus(site)).brokers[0]).toMatchObject({ queuedCount: 0 }), 20_000);
    expect(await daemon.end()).toBe(0);
  }
  return {
    lines: broker.events.map(({ bytes }) => bytes),
    certificatePath: join(site.dataDir, "identity/device.crt"),
  };
}

describe("G19 a chain that was captured", () => {
  it("G19 is whole for a verifier in Python that knows only the contract, and each altered byte is found by it", async () => {
    const { lines, certificatePath } = await capture();
    const whole = ask<Finding>(lines, certificatePath);
    expect(whole).toMatchObject({ epochs: 2, problems: [] });
    expect(whole.events).toBeGreaterThan(120);
    expect(whole.checkpoints).toBeGreaterThanOrEqual(2);
    expect(ask<Finding>(lines.toSpliced(20, 1), certificatePath).problems.length).toBeGreaterThan(0);

    // The first event brings the key, the other one is like most: one byte after the other is altered in a copy.
    const altered = [0, 10].map((index) => ask<Altered>(lines.slice(0, index + 2), certificatePath, String(index)));
    expect(altered.map(({ unnoticed }) => unnoticed)).toEqual([[], []]);
    const tried = altered.reduce((total, one) => total + one.tried, 0);
    figure(
      "G19",
      "Python",
      `${count(whole.events)} events of 2 runs verified in Python with the certificate alone; each of ${count(tried)} altered bytes found by it`,
    );
  });

  it("R09 with the national algorithms the device's word covers the SM2 key, as the verifier in Python finds", async () => {
    const { lines, certificatePath } = await capture("gm");
    expect(ask<Finding>(lines, certificatePath)).toMatchObject({ epochs: 2, problems: [] });
    // A backlog and live events may overtake each other.
    const first = lines.find((line) => line.includes('"sequence":"1"'))!.toString();
    const { data, ...epoch } = JSON.parse(first) as { data: { gm: { key: string } } };
    const { gm: _, ...withoutSm2 } = data;
    for (const changed of [withoutSm2, { ...data, gm: { ...data.gm, key: "of another" } }]) {
      const forged = Buffer.from(canonicalize({ ...epoch, data: changed }));
      expect(ask<Finding>([forged], certificatePath).problems[0]).toMatch(/the endorsement is for something else/);
    }
  });
});
