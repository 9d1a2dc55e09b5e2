import { createHash } from "node:crypto";
import type { Commit, StoredEvent } from "../../src/ledger/index.ts";

export function anEvent(sequence: number, text = `event ${sequence}`): StoredEvent {
  return { sequence, kind: "read", subject: "tunnel-1", at: sequence * 1_000, bytes: Buffer.from(text) };
}

export function aCommit(events: readonly StoredEvent[], overrides: Partial<Commit> = {}): Commit {
  const last = events[events.length - 1]!;
  return {
    events,
    chain: {
      chain: "6f1c2a9be04d",
      sequence: last.sequence,
      previous: createHash("sha256").update(last.bytes).digest("base64url"),
      peaks: Buffer.from([1, 2, 3]),
    },
    settled: new Map(),
    refused: new Map(),
    destroyTo: 0,
    lostCount: 0,
    ...overrides,
  };
}
