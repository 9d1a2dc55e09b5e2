import { join } from "node:path";
import Database from "better-sqlite3";
import { openLedger } from "../../../src/ledger/index.ts";
import { scratch } from "../rig/processes.ts";
import { type Cost, eventBytes, timed } from "./fixtures.ts";

const count = 100_000;

/** Rows of a run: fewer where each costs a commit. */
export function rowCount(batch: number): number {
  return Math.min(count, batch * 1_000);
}

/** Grouped commits of as many bytes as an event has, at FULL, and nothing else. */
export async function bareCommits(batch: number): Promise<Cost> {
  const database = new Database(join(scratch("commits"), "bare.db"));
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  database.exec("CREATE TABLE event (sequence INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT");
  const insert = database.prepare("INSERT INTO event (sequence, bytes) VALUES (?, ?)");
  const bytes = Buffer.alloc(eventBytes, "x");
  let sequence = 0;
  const commit = database.transaction(() => {
    for (let n = 0; n < batch; n += 1) insert.run(++sequence, bytes);
  });
  const rows = rowCount(batch);
  const cost = await timed(rows, () => {
    for (let n = 0; n < rows; n += batch) commit();
  });
  database.close();
  return cost;
}

/** The append stage: rows, chain row, bounds. */
export async function append(batch: number): Promise<Cost> {
  const ledger = openLedger(join(scratch("append"), "ledger.db"), 2_000_000_000);
  const bytes = Buffer.alloc(eventBytes, "x");
  const peaks = new Uint8Array(8);
  let sequence = 0;
  const rows = rowCount(batch);
  const cost = await timed(rows, () => {
    for (let n = 0; n < rows; n += batch) {
      const events = Array.from({ length: batch }, () => {
        sequence += 1;
        return { sequence, kind: "read" as const, subject: "tunnel-1", at: 1_795_758_139_000, bytes };
      });
      const chain = { chain: "0123456789ab", sequence, previous: "A".repeat(43), peaks };
      ledger.commit({ events, chain, settled: new Map(), refused: new Map(), destroyTo: 0, lostCount: 0 });
    }
  });
  ledger.close();
  return cost;
}
