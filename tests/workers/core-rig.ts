import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { type Commit, type Ledger, openLedger, type StoredEvent } from "../../src/ledger/index.ts";
import type { Clock } from "../../src/lib/clock.ts";
import type { Notice } from "../../src/model/notice.ts";
import { createEpochKey, createSealer, type EpochKey } from "../../src/seal/index.ts";
import type { LedgerCore } from "../../src/workers/core-face.ts";
import { createLedgerCore } from "../../src/workers/ledger-core.ts";
import type { DraftMessage, LedgerOptions } from "../../src/workers/messages.ts";

/** Where the ledger of this test lies. */
export let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sortgate-core-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

export const dayMs = 86_400_000;
export const startMs = Date.parse("2026-11-23T03:10:00Z");

export interface Rig {
  readonly core: LedgerCore;
  readonly ledger: Ledger;
  /** Called between seal and commit. */
  sealed: () => void;
  readonly events: StoredEvent[];
  readonly notices: Notice[];
  committedCount: number;
  advance(ms: number): void;
  /** The wall clock is set, so that it is that much ahead. */
  setAhead(ms: number): void;
  close(): void;
}

/** As long as a real one, with its certificates. */
const endorsement = "x".repeat(5_000);

/** The core over a real file, with a clock that stands still until it is advanced. */
export function openRig(
  overrides: Partial<LedgerOptions> = {},
  isDiskFull: (commit: Commit) => boolean = () => false,
  aheadMs = 0,
): Rig {
  let elapsedMs = 0;
  const clock: Clock = { monotonicMs: () => elapsedMs, wallMs: () => startMs + aheadMs + elapsedMs, boot: "00000000" };
  const options: LedgerOptions = {
    dataDir: dir,
    site: "HZ01",
    gateway: "line-3",
    software: "0",
    configDigest: "0",
    policy: { hash: "0" },
    bytesMax: 16_000_000,
    retainMs: 30 * dayMs,
    recallMs: 30_000,
    whenFull: "drop-oldest",
    brokers: ["central"],
    ...overrides,
  };
  const file = openLedger(join(dir, "ledger.db"), options.bytesMax);
  const ledger: Ledger = { ...file, commit: (commit) => (isDiskFull(commit) ? "full" : file.commit(commit)) };
  const known = ledger.chain();
  const chain = known?.chain ?? "6f1c2a9be04d";
  const sealer = createSealer({ chain, gateway: "line-3", site: "HZ01", state: known });
  const notices: Notice[] = [];
  const rig = {
    ledger,
    events: [] as StoredEvent[],
    notices,
    committedCount: 0,
    advance: (ms: number) => {
      elapsedMs += ms;
    },
    setAhead: (ms: number) => {
      aheadMs = ms;
    },
    sealed: () => {},
    close: () => ledger.close(),
  };
  let current: EpochKey | undefined;
  const core = createLedgerCore({
    ledger,
    sealer,
    chain,
    options,
    clock,
    tell: (notice) => notices.push(notice),
    beginEpoch: (_sequence, reason) => {
      const before = current;
      const key = createEpochKey(options.crypto);
      sealer.useKey(key);
      current = key;
      const data = { reason, endorsement, key: key.jwk };
      return { kid: key.kid, data, revert: () => before && sealer.useKey(before) };
    },
    committed(events, appendedCount) {
      rig.events.push(...events);
      rig.committedCount += appendedCount;
    },
    sealed: () => rig.sealed(),
  });
  core.start(known === undefined);
  return Object.assign(rig, { core });
}

export const dataOf = (event: StoredEvent): Record<string, unknown> =>
  (JSON.parse(Buffer.from(event.bytes).toString()) as { data: Record<string, unknown> }).data;

export function drafts(count: number, size = 10, at = startMs): DraftMessage[] {
  return Array.from({ length: count }, (_, index) => ({
    kind: "read",
    subject: "tunnel-1",
    at,
    data: JSON.stringify({ code: `${index}`.padStart(size, "0") }),
  }));
}

export const ofKind = (rig: Rig, kind: string): StoredEvent[] => rig.events.filter((event) => event.kind === kind);
