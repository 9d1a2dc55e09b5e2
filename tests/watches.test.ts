import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { noteRawProbe } from "../src/control/index.ts";
import type { ClearedEvent } from "../src/model/event.ts";
import type { Notice } from "../src/model/notice.ts";
import { rawProbeWatch, tellAtStart } from "../src/watches.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sortgate-watch-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const probe = { at: "2026-11-28T01:00:00.000Z", device: "scanner-1", by: "wang", uid: "1000", reason: "TICKET-4711" };
const taken = (): string => join(folder, "raw-probes.taken.jsonl");

/** The watch over a ledger that answers when, and as, it is told to. */
function aRig() {
  const events: ClearedEvent[] = [];
  const notices: Notice[] = [];
  const beats: (() => void)[] = [];
  const ledger = { hasRoom: true, freeCount: Number.POSITIVE_INFINITY };
  const look = rawProbeWatch(
    { gateway: { data_dir: folder } },
    { monotonicMs: () => 0, wallMs: () => Date.parse("2026-11-28T02:00:00Z"), boot: "00000000" },
    {
      append(event) {
        if (events.length >= ledger.freeCount) return "full";
        events.push(event);
        return "taken";
      },
      ask: () => new Promise<never>((done) => beats.push(done as () => void)),
      hasRoom: () => ledger.hasRoom,
    },
    (notice) => notices.push(notice),
  );
  const minute = (): void => {
    for (let second = 0; second < 60; second += 1) look();
  };
  const devices = (): unknown[] => events.map(({ data }) => (data as { device?: unknown }).device);
  return { ledger, minute, devices, notices, beats };
}

describe("R17 who looked at all bytes of a device", () => {
  it("stays noted until the ledger has taken every line", async () => {
    for (const device of ["scanner-1", "scanner-2"]) await noteRawProbe(folder, { ...probe, device });
    const rig = aRig();
    rig.ledger.freeCount = 1;
    rig.minute();
    await vi.waitFor(() => expect(rig.notices).toHaveLength(1));
    expect(rig.notices[0]?.message).toMatch(/\(ledger\/full\), and stays noted\. Try: sortgate status/);
    expect([existsSync(taken()), rig.beats.length]).toEqual([true, 0]);

    rig.ledger.freeCount = Number.POSITIVE_INFINITY;
    rig.minute();
    await vi.waitFor(() => expect(rig.beats).toHaveLength(1));
    rig.beats[0]!();
    await vi.waitFor(() => expect(readdirSync(folder)).toEqual([]));
    expect(rig.devices()).toEqual(["scanner-1", "scanner-1", "scanner-2"]);
    expect(rig.notices).toHaveLength(1);
  });

  it("stays noted where what was taken finds no room on the disk, and is not handed over again before there is some", async () => {
    await noteRawProbe(folder, probe);
    const rig = aRig();
    rig.minute();
    await vi.waitFor(() => expect(rig.beats).toHaveLength(1));
    rig.ledger.hasRoom = false;
    rig.beats[0]!();
    await vi.waitFor(() => expect(rig.notices).toHaveLength(1));
    rig.minute();
    await vi.waitFor(() => expect(rig.notices).toHaveLength(2));
    expect([existsSync(taken()), rig.devices()]).toEqual([true, ["scanner-1"]]);

    rig.ledger.hasRoom = true;
    rig.minute();
    await vi.waitFor(() => expect(rig.beats).toHaveLength(2));
    rig.beats[1]!();
    await vi.waitFor(() => expect(existsSync(taken())).toBe(false));
    expect(rig.devices()).toEqual(["scanner-1", "scanner-1"]);
  });

  it("is handed over once while the ledger has not answered", async () => {
    await noteRawProbe(folder, probe);
    const rig = aRig();
    rig.minute();
    await vi.waitFor(() => expect(rig.beats).toHaveLength(1));
    rig.minute();
    // A second look at the file would be over by then.
    for (let time = 0; time < 3; time += 1) await readFile(taken());
    rig.beats[0]!();
    await vi.waitFor(() => expect(existsSync(taken())).toBe(false));
    expect([rig.devices(), rig.beats.length, rig.notices]).toEqual([["scanner-1"], 1, []]);
  });
});

describe("at the start", () => {
  const nowMs = Date.parse("2026-11-28T02:00:00Z");
  const days = { notBefore: nowMs - 10, notAfter: nowMs + 40 * 86_400_000, isSelfSigned: false };
  const toldOf = (certificate: object, lastAt = nowMs): Notice[] => {
    const notices: Notice[] = [];
    const facts = { subject: "CN=line-3", fingerprint: "AB", path: "device.crt", keyPath: "device.key" };
    const opened = { chain: "6f1c2a9be04d", sequence: 1, lastAt, remembered: [] };
    tellAtStart({ ...opened, certificate: { ...facts, ...days, ...certificate } }, { wallMs: () => nowMs }, (notice) =>
      notices.push(notice),
    );
    return notices;
  };

  it("a device certificate that ended, has not begun or ends soon is told, and no other", () => {
    expect(toldOf({})).toEqual([]);
    for (const [certificate, level, sentence] of [
      [{ notAfter: nowMs }, "error", /^The device certificate ended on .*\. Try: .*sortgate keys csr/],
      [{ notBefore: nowMs + 1 }, "error", /^The device certificate begins only on .*\. Try: timedatectl/],
      [{ notAfter: nowMs + 29 * 86_400_000 }, "warn", /^The device certificate ends on .*\. Try: /],
    ] as const)
      expect(toldOf(certificate)).toMatchObject([{ level, message: expect.stringMatching(sentence) }]);
  });

  it("a clock that is minutes behind the newest event on disk is told once, with what to do", () => {
    expect(toldOf({}, nowMs + 300_000)).toEqual([]);
    // An empty ledger.
    expect(toldOf({}, 0)).toEqual([]);
    const message = /newest event on disk, which is of 2026-11-28T02:05:00\.001Z: .*\. Try: timedatectl/;
    expect(toldOf({}, nowMs + 300_001)).toMatchObject([{ level: "warn", message: expect.stringMatching(message) }]);
  });
});
