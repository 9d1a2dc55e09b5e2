import { execFileSync } from "node:child_process";
import {
  chownSync,
  closeSync,
  constants,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { noteRawProbe, takeRawProbes } from "../../src/control/index.ts";
import type { RawProbe } from "../../src/control/raw-probes.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sortgate-raw-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const probe: RawProbe = {
  at: "2026-11-28T01:00:00.000Z",
  device: "scanner-1",
  by: "wang as root",
  uid: "1000",
  reason: "TICKET-4711",
};

async function taken(): Promise<RawProbe[]> {
  const all: RawProbe[] = [];
  await takeRawProbes(folder, async (probes) => {
    all.push(...probes);
  });
  return all;
}

describe("R17 who looked at all bytes of a device", () => {
  test("is noted for its user alone, and taken once", async () => {
    await noteRawProbe(folder, probe);
    await noteRawProbe(folder, { ...probe, device: "scanner-2" });
    expect(statSync(join(folder, "raw-probes.jsonl")).mode & 0o777).toBe(0o600);
    expect(await taken()).toStrictEqual([probe, { ...probe, device: "scanner-2" }]);
    expect(await taken()).toStrictEqual([]);
    expect(readdirSync(folder)).toStrictEqual([]);
  });

  test("is the daemon's to read where root noted it, and never written over unread", async () => {
    chownSync(folder, 12_345, 12_346);
    await noteRawProbe(folder, probe);
    const { uid, gid } = statSync(join(folder, "raw-probes.jsonl"));
    expect([uid, gid]).toEqual([12_345, 12_346]);
    // What was taken and cannot be read.
    mkdirSync(join(folder, "raw-probes.taken.jsonl"));
    await expect(taken()).rejects.toThrow("raw-probes.taken.jsonl is not a regular file");
    expect(readdirSync(folder)).toContain("raw-probes.jsonl");
  });

  test.each(["raw-probes.jsonl", "raw-probes.taken.jsonl"])("is not waited for at a pipe called %s", async (name) => {
    execFileSync("mkfifo", ["-m", "600", join(folder, name)]);
    await expect(taken()).rejects.toMatchObject({
      message: `${join(folder, name)} is not a regular file`,
      hint: expect.stringContaining(join(folder, name)),
    });
    expect(readdirSync(folder)).toEqual([name]);
  });

  test("is noted by root in no file that is not the daemon's, and gives none away", async () => {
    chownSync(folder, 12_345, 12_346);
    const path = join(folder, "raw-probes.jsonl");
    const secret = join(folder, "secret");
    let reader: number | undefined;
    const ways: Record<string, () => void> = {
      "a link": () => symlinkSync(secret, path),
      "a link to nothing": () => symlinkSync(join(folder, "nothing"), path),
      "a second name": () => linkSync(secret, path),
      "a second name of the daemon's own": () => {
        chownSync(secret, 12_345, 12_346);
        linkSync(secret, path);
      },
      "root's own, moved there": () => writeFileSync(path, "root's", { mode: 0o600 }),
      "somebody else's": () => {
        writeFileSync(path, "");
        chownSync(path, 54_321, 54_321);
      },
      "a pipe": () => execFileSync("mkfifo", [path]),
      "a pipe that is read": () => {
        execFileSync("mkfifo", [path]);
        reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      },
    };
    for (const [way, lay] of Object.entries(ways)) {
      writeFileSync(secret, "root's", { mode: 0o600 });
      lay();
      const before = [secret, path].map((one) => lstatSync(one)).map(({ uid, mode, size }) => [uid, mode, size]);
      await expect(noteRawProbe(folder, probe), way).rejects.toMatchObject({
        message: expect.stringContaining(`${path} is no file of the daemon's user`),
        hint: expect.stringContaining(`ls -l ${path}`),
      });
      const after = [secret, path].map((one) => lstatSync(one)).map(({ uid, mode, size }) => [uid, mode, size]);
      expect(after, way).toEqual(before);
      expect(readdirSync(folder).sort(), way).toEqual(["raw-probes.jsonl", "secret"]);
      for (const one of [secret, path]) rmSync(one);
    }
    closeSync(reader!);
    // A folder is in the way as anything else is.
    mkdirSync(path);
    await expect(noteRawProbe(folder, probe)).rejects.toMatchObject({ hint: expect.stringContaining("sudo -u") });
    rmSync(path, { recursive: true });
    // Cut off before it was the daemon's: it is empty, and becomes his.
    writeFileSync(path, "", { mode: 0o644 });
    await noteRawProbe(folder, probe);
    expect([statSync(path).uid, statSync(path).mode & 0o777]).toEqual([12_345, 0o600]);
    await noteRawProbe(folder, probe);
    expect(await taken()).toHaveLength(2);
  });

  test("is kept until the chain has it", async () => {
    await noteRawProbe(folder, probe);
    await expect(takeRawProbes(folder, () => Promise.reject(new Error("the ledger is gone")))).rejects.toThrow("gone");
    await noteRawProbe(folder, { ...probe, device: "scanner-2" });
    expect(await taken()).toStrictEqual([probe]);
    expect(await taken()).toStrictEqual([{ ...probe, device: "scanner-2" }]);
  });

  test("is told once with what came of it, and without where that is not known", async () => {
    const over = { ...probe, outcome: "shown", byteCount: 24 } as const;
    const cutOff = { ...probe, at: "2026-11-28T02:00:00.000Z" };
    for (const line of [probe, cutOff, over]) await noteRawProbe(folder, line);
    expect(await taken()).toStrictEqual([cutOff, over]);
    // The daemon took the beginning while the probe went on.
    await noteRawProbe(folder, probe);
    expect(await taken()).toStrictEqual([probe]);
    await noteRawProbe(folder, { ...probe, outcome: "not-opened" });
    expect(await taken()).toStrictEqual([{ ...probe, outcome: "not-opened" }]);
  });

  test("needs a ticket for a reason, and a place to be noted", async () => {
    for (const reason of ["", "look at Zhang", "13800138000", "x".repeat(65)])
      await expect(noteRawProbe(folder, { ...probe, reason })).rejects.toThrow(
        "The reason is not the name of a ticket",
      );
    expect(readdirSync(folder)).toStrictEqual([]);
    const file = join(folder, "file");
    writeFileSync(file, "");
    await expect(noteRawProbe(file, probe)).rejects.toMatchObject({
      hint: expect.stringContaining("sudo -u sortgate"),
    });
  });

  test("brings nothing into the chain that somebody else wrote there", async () => {
    const lines = [
      "no JSON",
      "null",
      JSON.stringify({
        ...probe,
        device: "张伟 13800138000",
        by: "Zhang Wei",
        uid: "-1",
        reason: "call 13800138000",
        at: "now",
      }),
      JSON.stringify({ device: { a: 1 }, outcome: "张伟", byteCount: 13_800_138_000 }),
    ];
    writeFileSync(join(folder, "raw-probes.jsonl"), lines.join("\n"));
    const unknown = { at: "unknown", device: "unknown", reason: "unknown", by: "unknown", uid: "unknown" };
    expect(await taken()).toStrictEqual([unknown, unknown, unknown, unknown]);
    writeFileSync(join(folder, "raw-probes.jsonl"), "x\n".repeat(5_000));
    expect(await taken()).toHaveLength(1_000);
  });

  test("goes into the chain by the thousand, and none of more is lost", async () => {
    const devices = Array.from({ length: 2_500 }, (_, index) => `scanner-${index}`);
    const lines = devices.map((device) => JSON.stringify({ ...probe, device }));
    writeFileSync(join(folder, "raw-probes.jsonl"), lines.join("\n"));
    const first = (await taken()).map(({ device }) => device);
    expect(first).toEqual(devices.slice(0, 1_000));
    // What the chain has no room for now comes again, and what is noted meanwhile comes behind it.
    await noteRawProbe(folder, { ...probe, device: "scanner-new" });
    await expect(takeRawProbes(folder, () => Promise.reject(new Error("no room")))).rejects.toThrow("no room");
    expect(statSync(join(folder, "raw-probes.taken.jsonl")).mode & 0o777).toBe(0o600);
    const rest = [await taken(), await taken(), await taken(), await taken()].map((probes) =>
      probes.map(({ device }) => device),
    );
    expect(rest).toEqual([devices.slice(1_000, 2_000), devices.slice(2_000), ["scanner-new"], []]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("is not lost with a line before it that was cut off", async () => {
    writeFileSync(join(folder, "raw-probes.jsonl"), '{"at":"2026-11-28T01:0');
    await noteRawProbe(folder, probe);
    expect(await taken()).toMatchObject([{ device: "unknown" }, probe]);
  });

  test("is in the chain once or more, whenever the daemon takes the file", async () => {
    const inChain = new Set<string>();
    const noted: string[] = [];
    let isOver = false;
    const take = async (): Promise<void> => {
      for (const { device } of await taken()) inChain.add(device);
    };
    const daemon = (async () => {
      while (!isOver) await take();
    })();
    for (let round = 0; round < 100; round += 1) {
      const devices = Array.from({ length: 8 }, (_, index) => `scanner-${round}-${index}`);
      const notes = devices.map(async (device) => {
        // Refused, it would show nothing; what went through must be told.
        const isNoted = await noteRawProbe(folder, { ...probe, device }).then(
          () => true,
          (error: unknown) => {
            expect(error).toMatchObject({ message: expect.stringContaining("is taken away each time") });
            return false;
          },
        );
        if (isNoted) noted.push(device);
      });
      await Promise.all(notes);
    }
    isOver = true;
    await daemon;
    await take();
    await take();
    expect(noted.filter((device) => !inChain.has(device))).toEqual([]);
    expect(noted.length).toBeGreaterThan(0);
  });
});
