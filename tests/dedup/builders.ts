import { createWindow, type DedupWindow, type WindowOptions } from "../../src/dedup/index.ts";
import { type ReadPointSettings, readPointSettings } from "../../src/dedup/settings.ts";
import { bytesOf } from "../../src/lib/bytes.ts";
import type { Notice } from "../../src/model/notice.ts";
import type { Observation } from "../../src/model/observation.ts";
import type { Read } from "../../src/model/read.ts";

export const devices = ["scanner-1", "scanner-2", "rfid-1"] as const;

export function someSettings(keys: Partial<ReadPointSettings> = {}): ReadPointSettings {
  return readPointSettings.parse({ name: "tunnel-1", depart_ms: 100, pass_max_ms: 300, ...keys });
}

/** A read whose code lies in the middle of a frame. */
export function aRead(code: string, rest: Partial<Omit<Read, "kind" | "bytes" | "start" | "end">> = {}): Read {
  const bytes = bytesOf(`\x02${code}\x03`);
  return { kind: "read", bytes, start: 1, end: 1 + code.length, medium: "barcode", ...rest };
}

export interface Rig {
  readonly window: DedupWindow;
  readonly seen: Observation[];
  readonly told: Notice[];
}

/** A window that writes down what it observes and tells. */
export function aWindow(keys: Partial<ReadPointSettings> = {}, options: Partial<WindowOptions> = {}): Rig {
  const seen: Observation[] = [];
  const told: Notice[] = [];
  let passNumber = 0;
  const window = createWindow({
    settings: someSettings(keys),
    readPoint: "tunnel-1",
    devices,
    clock: { boot: "9f0c3a1e" },
    nextPassNumber: () => ++passNumber,
    observe: (observation) => seen.push(observation),
    tell: (notice) => told.push(notice),
    ...options,
  });
  return { window, seen, told };
}

/** Reads that are in no class of the counters: zero, or the window lost count. */
export function unaccounted(window: DedupWindow): number {
  const { reads, opened, suppressed, refused, pending } = window.counters();
  return reads - opened - suppressed - refused.rssi - refused.readsMin - pending;
}
