import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Commit, openLedger, type RefusedEvent } from "../../src/ledger/index.ts";
import { limits } from "../../src/model/limits.ts";

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sortgate-refused-"));
  path = join(dir, "ledger.db");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const bytesMax = 16_000_000;
const bytes = Buffer.from("event 1");
const chain = {
  chain: "6f1c2a9be04d",
  sequence: 1,
  previous: createHash("sha256").update(bytes).digest("base64url"),
  peaks: Buffer.from([1]),
};

function refusing(events: readonly RefusedEvent[], count = events.length): Commit {
  const settled = new Map([["central", [[1, 1]] as const]]);
  return { events: [], chain, settled, refused: new Map([["central", { count, events }]]), destroyTo: 0, lostCount: 0 };
}

const refusal = (sequence: number): RefusedEvent => ({ sequence, reason: "0x99 no", at: sequence * 1_000 });

describe("what a broker refused for good", () => {
  it("stands in the ledger after it was opened again, the newest first", () => {
    const ledger = openLedger(path, bytesMax);
    ledger.commit(refusing([refusal(3), refusal(7)]));
    ledger.close();
    const again = openLedger(path, bytesMax);
    expect(again.refused("central", 10)).toEqual([refusal(7), refusal(3)]);
    expect(again.refused("central", 1)).toEqual([refusal(7)]);
    expect([again.refusedCount("central"), again.refusedCount("nobody"), again.refused("nobody", 1)]).toEqual([
      2,
      0,
      [],
    ]);
    again.close();
  });

  it("is listed up to a bound and counted beyond it", () => {
    const ledger = openLedger(path, bytesMax);
    const count = limits.refusedListMax + 5;
    ledger.commit(refusing(Array.from({ length: count }, (_, index) => refusal(index + 1))));
    const listed = ledger.refused("central", count);
    expect(listed).toHaveLength(limits.refusedListMax);
    expect(listed.at(-1)?.sequence).toBe(6);
    expect(ledger.refusedCount("central")).toBe(count);
    ledger.close();
  });
});

/** The tables of the first version, as it made them. */
const firstSchema = `
  CREATE TABLE event (sequence INTEGER PRIMARY KEY, kind TEXT NOT NULL, subject TEXT, at INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT;
  CREATE TABLE chain (only INTEGER PRIMARY KEY CHECK (only = 1), chain TEXT NOT NULL, sequence INTEGER NOT NULL, previous TEXT NOT NULL, peaks BLOB NOT NULL, lost INTEGER NOT NULL) STRICT;
  CREATE TABLE cursor (broker TEXT PRIMARY KEY, settled TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

function makeFirstVersion(): void {
  const database = new Database(path);
  database.exec(firstSchema);
  database.pragma("application_id = 0x53474c31");
  database.pragma("user_version = 1");
  database.prepare("INSERT INTO event VALUES (1, 'read', 'tunnel-1', 1000, ?)").run(bytes);
  database.prepare("INSERT INTO chain VALUES (1, ?, 1, ?, ?, 4)").run(chain.chain, chain.previous, chain.peaks);
  database.prepare("INSERT INTO cursor VALUES ('central', '[[1,1]]')").run();
  database.close();
}

describe("a ledger of the first version", () => {
  it("is taken over with its events and cursors, and can hold what is refused", () => {
    makeFirstVersion();
    const ledger = openLedger(path, bytesMax);
    expect(ledger.chain()).toMatchObject({ chain: chain.chain, sequence: 1 });
    expect([ledger.cursor("central"), ledger.lostCount(), ledger.refusedCount("central")]).toEqual([[[1, 1]], 4, 0]);
    expect(ledger.commit(refusing([refusal(1)]))).toBe("stored");
    ledger.close();
    const database = new Database(path);
    expect(database.pragma("user_version", { simple: true })).toBeGreaterThanOrEqual(2);
    database.close();
  });

  it("stays one when the migration cannot be finished", () => {
    makeFirstVersion();
    const database = new Database(path);
    // The second step of the migration fails on it.
    database.exec("ALTER TABLE cursor ADD COLUMN refused INTEGER");
    database.close();
    expect(() => openLedger(path, bytesMax)).toThrow();
    const after = new Database(path);
    expect(after.pragma("user_version", { simple: true })).toBe(1);
    expect(after.prepare("SELECT name FROM sqlite_master WHERE name = 'refused'").all()).toEqual([]);
    after.close();
  });
});
