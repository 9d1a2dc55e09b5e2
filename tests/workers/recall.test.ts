import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { recallPasses } from "../../src/dedup/index.ts";
import type { ReadPointSettings } from "../../src/dedup/settings.ts";
import { type Ledger, openLedger, type StoredEvent } from "../../src/ledger/index.ts";
import { limits } from "../../src/model/limits.ts";
import type { Notice } from "../../src/model/notice.ts";
import { recallEvents } from "../../src/workers/recall.ts";

const startAt = Date.parse("2026-11-23T03:10:00Z");
const passMaxMs = 30_000;
const recallMs = passMaxMs + 500;

let dir: string;
let ledger: Ledger;
let last: number;
let notices: Notice[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sortgate-recall-"));
  ledger = openLedger(join(dir, "ledger.db"), 100_000_000);
  last = 0;
  notices = [];
});
afterEach(() => {
  ledger.close();
  rmSync(dir, { recursive: true, force: true });
});

interface Told {
  readonly kind?: "read" | "pass" | "epoch" | "alarm";
  readonly afterMs?: number;
  readonly code?: string;
  readonly closeReason?: string;
  readonly label?: { readonly format: string };
  /** Why an epoch began. */
  readonly reason?: string;
  /** By how much the clock was set. */
  readonly stepMs?: number;
  /** On the clock that nobody sets. */
  readonly monotonicMs?: number;
  /** Instead of an event. */
  readonly text?: string;
}

/** Puts events into the ledger; each is a pass of its own unless it shares its code with another. */
function tell(...events: readonly Told[]): void {
  const stored = events.map(
    ({ kind = "read", afterMs = 0, code, closeReason, text, monotonicMs, ...more }): StoredEvent => {
      last += 1;
      const data = {
        ...(monotonicMs !== undefined && { clock: { boot: "9f0c3a1e", monotonicMs, synced: true } }),
        ...(closeReason !== undefined && { closeReason }),
        ...(code === undefined ? { token: "t" } : { code }),
        codeClass: "waybill",
        device: "scanner-1",
        firstReadAt: new Date(startAt + afterMs).toISOString(),
        medium: "barcode",
        passId: `9f0c3a1e-${code ?? last}`,
        readPoint: "tunnel-1",
        ...(kind === "alarm" && { alarm: "clock-stepped" }),
        ...more,
      };
      const bytes = Buffer.from(text ?? JSON.stringify({ data, time: data.firstReadAt }));
      return { sequence: last, kind, subject: "tunnel-1", at: startAt + afterMs, bytes };
    },
  );
  for (let from = 0; from < stored.length; from += 1_000) {
    const batch = stored.slice(from, from + 1_000);
    const end = batch.at(-1)!;
    const previous = createHash("sha256").update(end.bytes).digest("base64url");
    const chain = { chain: "6f1c2a9be04d", sequence: end.sequence, previous, peaks: Buffer.alloc(0) };
    const nothing = { settled: new Map(), refused: new Map(), destroyTo: 0, lostCount: 0 };
    expect(ledger.commit({ events: batch, chain, ...nothing })).toBe("stored");
  }
}

const remembered = () => recallEvents(ledger, recallMs, (notice) => notices.push(notice)).remembered;
const codes = (): string[] => remembered().map(({ code }) => code);

const readPoint: ReadPointSettings = {
  name: "tunnel-1",
  depart_ms: 500,
  pass_max_ms: passMaxMs,
  emit: "both",
  reads_min: 1,
};
/** The codes that are followed again, and whether in silence. */
const open = (): [string, boolean][] => {
  const { remembered: told, lastAt } = recallEvents(ledger, recallMs, (notice) => notices.push(notice));
  return recallPasses(told, lastAt, [readPoint]).map(({ pass }) => [Buffer.from(pass.code).toString(), pass.stalled]);
};

describe("what a start remembers of the run before", () => {
  it("is nothing of an empty ledger", () => {
    expect(recallEvents(ledger, recallMs, () => {})).toEqual({ lastAt: 0, remembered: [] });
  });

  it("is each pass that was told and not ended, oldest first", () => {
    tell({ code: "A" }, { code: "B" }, { code: "C" }, {});
    tell({ code: "B", kind: "pass", closeReason: "departed" }, { code: "C", kind: "pass", closeReason: "shutdown" });
    expect(open()).toEqual([
      ["A", false],
      ["C", true],
    ]);
  });

  it("is no pass of a label of which only the parcel's number was told: its code is not known any more", () => {
    tell({ code: "A" }, { code: "B", label: { format: "sf-mmm" } });
    expect(open()).toEqual([["A", false]]);
  });

  it("is no pass that is older than passes get, unless its code lay there and was silent", () => {
    tell({ code: "OLD" }, { code: "LIES" }, { code: "LIES", kind: "pass", closeReason: "stalled" });
    tell({ code: "NEW", afterMs: recallMs + 1 });
    expect(open()).toEqual([
      ["LIES", true],
      ["NEW", false],
    ]);
    // The thread hands over no more than that either.
    expect(codes()).toEqual(["LIES", "NEW"]);
  });

  it("is a pass until it must have been told as stalled: at its first read after the longest time, if it went on", () => {
    tell({ code: "A" }, { code: "B", afterMs: passMaxMs + 499 });
    expect(open().map(([code]) => code)).toEqual(["A", "B"]);
    tell({ code: "C", afterMs: passMaxMs + 501 });
    expect(open().map(([code]) => code)).toEqual(["B", "C"]);
  });

  it("is a pass that outlasted a restart, and begins anew with it", () => {
    const hourMs = 3_600_000;
    tell({ code: "OVER" }, { code: "A", afterMs: 40_000 }, { code: "B", afterMs: 60_000 });
    tell({ kind: "epoch", reason: "start", afterMs: hourMs }, { code: "C", afterMs: hourMs + 20_000 });
    expect(open().map(([code]) => code)).toEqual(["A", "B", "C"]);
    tell({ kind: "epoch", reason: "rotation", afterMs: hourMs + 30_000 }, { code: "D", afterMs: hourMs + 31_000 });
    expect(open().map(([code]) => code)).toEqual(["C", "D"]);
    tell({ kind: "epoch", reason: "start", afterMs: 2 * hourMs });
    expect(open().map(([code]) => code)).toEqual(["C", "D"]);
  });

  it("is a pass that is no older because the clock was set", () => {
    const dayMs = 86_400_000;
    tell({ code: "OVER" }, { code: "A", afterMs: 20_000 }, { kind: "alarm", stepMs: dayMs, afterMs: dayMs + 21_000 });
    tell({ code: "B", afterMs: dayMs + 40_000 });
    expect(open().map(([code]) => code)).toEqual(["A", "B"]);
    tell({ kind: "alarm", stepMs: -dayMs, afterMs: 41_000 }, { code: "C", afterMs: 50_000 });
    expect(open().map(([code]) => code)).toEqual(["A", "B", "C"]);
  });

  it("is no pass whose end was told between a step of the clock and the word of that", () => {
    const before = { monotonicMs: 100_000, afterMs: 100_000 };
    tell(
      { code: "A", ...before },
      { code: "A", kind: "pass", closeReason: "departed", monotonicMs: 101_000, afterMs: 61_000 },
    );
    tell({ code: "B", monotonicMs: 101_100, afterMs: 61_100 }, { kind: "alarm", stepMs: -40_000, afterMs: 61_500 });
    tell({ code: "C", monotonicMs: 110_000, afterMs: 70_000 });
    expect(open().map(([code]) => code)).toEqual(["B", "C"]);
  });

  it("is a pass that was read between a step of the clock and the word of that, with which the run ended", () => {
    const dayMs = 86_400_000;
    for (const stepMs of [-dayMs, dayMs]) {
      const code = `STEP${stepMs}`;
      const at = stepMs < 0 ? stepMs : 2 * stepMs;
      tell({ code: `BEFORE${stepMs}`, monotonicMs: 1_000, afterMs: at - stepMs - 10_000 });
      tell({ code, monotonicMs: 11_000, afterMs: at }, { kind: "alarm", stepMs, afterMs: at + 36 });
      expect(open().map((one) => one[0])).toEqual(expect.arrayContaining([`BEFORE${stepMs}`, code]));
    }
  });

  it("is no pass of the run before, where the clock was set back and the run ended before it could say so", () => {
    const dayMs = 86_400_000;
    tell({ code: "A", afterMs: 0 }, { kind: "epoch", reason: "start", afterMs: 1_000 });
    tell({ code: "A", kind: "pass", closeReason: "departed", monotonicMs: 1_000, afterMs: 2_000 });
    tell({ code: "B", monotonicMs: 60_000, afterMs: 61_000 });
    tell({ code: "C", monotonicMs: 61_000, afterMs: 62_000 - dayMs });
    expect(open().map(([code]) => code)).toEqual(["B", "C"]);
  });

  it("leaves out what is damaged, and tells how much that was", () => {
    tell(
      { code: "A" },
      { text: '{"data":{"cod' },
      { text: "null" },
      { text: '{"data":{"passId":"1"}}' },
      { code: "B" },
    );
    expect(codes()).toEqual(["A", "B"]);
    expect(notices).toMatchObject([{ name: "ledger/warning", fields: { damaged: 3 } }]);
  });

  it("looks at no more than the last events, however many there are", () => {
    const crowd = Array.from({ length: limits.recallEventsMax - 1 }, (): Told => ({}));
    tell({ code: "BEYOND" }, { code: "LAST" }, ...crowd);
    expect(codes()).toEqual(["LAST"]);
    const ranges: [number, number][] = [];
    const readEach: Ledger["readEach"] = (from, to) => {
      ranges.push([from, to]);
      return ledger.readEach(from, to);
    };
    recallEvents({ ...ledger, readEach }, recallMs, () => {});
    expect(Math.min(...ranges.map(([from]) => from))).toBe(2);
    expect(Math.max(...ranges.map(([from, to]) => to - from))).toBeLessThan(1_000);
  });
});
