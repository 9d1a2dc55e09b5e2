// Runs where the small disk can be seen: SQLite resolves the path, so it cannot be reached through /proc from outside.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { openLedger } from "../../dist/src/ledger/index.js";

const [dir, scenario] = process.argv.slice(2);
const path = join(dir, "ledger.db");
let last = 0;

function fill() {
  try {
    for (;;) writeFileSync(join(dir, "filler"), Buffer.alloc(4_096), { flag: "a" });
  } catch (error) {
    assert.equal(error.code, "ENOSPC");
  }
}

/** Commits `count` events of `size` bytes behind the last. */
function add(ledger, count, size, overrides = {}) {
  const events = Array.from({ length: count }, (_, index) => {
    return { sequence: last + index + 1, kind: "read", subject: "a", at: 1, bytes: Buffer.alloc(size, 120) };
  });
  const previous = createHash("sha256")
    .update(events[count - 1].bytes)
    .digest("base64url");
  const chain = { chain: "6f1c2a9be04d", sequence: last + count, previous, peaks: Buffer.from([1]) };
  const answer = ledger.commit({
    events,
    chain,
    settled: new Map(),
    refused: new Map(),
    destroyTo: 0,
    lostCount: 0,
    ...overrides,
  });
  if (answer === "stored") last += count;
  return answer;
}

const scenarios = {
  /** The largest commit goes into the room of what it destroys, again and again. */
  largest() {
    const ledger = openLedger(path, 100_000_000);
    assert.equal(add(ledger, 1_000, 2_000), "stored");
    fill();
    while (add(ledger, 1_000, 2_000) === "stored") fill();
    for (let round = 0; round < 20; round += 1) {
      assert.equal(add(ledger, 1_000, 2_000, { destroyTo: last }), "stored", `round ${round}`);
      // The log is nearly at the end of its room when the next large one comes.
      for (let small = 0; small < 200; small += 1) assert.equal(add(ledger, 1, 10), "stored");
      fill();
    }
    assert.equal(statfsSync(dir).bavail, 0);
    ledger.close();
  },
  /** With not a page left, cursors and the ledger's own records find room, also in the next run. */
  own() {
    let ledger = openLedger(path, 100_000_000);
    fill();
    while (add(ledger, 10, 900) === "stored") fill();
    assert.ok(last > 500, `${last} events were taken`);
    while (add(ledger, 1, 900) === "stored") fill();
    const settled = new Map([["central", Array.from({ length: 1_000 }, (_, gap) => [2 * gap + 1, 2 * gap + 1])]]);
    for (let record = 0; record < 300; record += 1) {
      assert.equal(add(ledger, 1, 900, { isOwn: true, settled }), "stored", `record ${record}`);
      // What is kept for them is not for the intake, which would have used it up by now.
      assert.equal(add(ledger, 1, 3_900), "full", `intake after record ${record}`);
      fill();
    }
    ledger.close();
    fill();
    ledger = openLedger(path, 100_000_000);
    assert.equal(ledger.extent().last, last);
    assert.equal(ledger.cursor("central").length, 1_000);
    assert.equal(add(ledger, 1, 900, { isOwn: true }), "stored");
    ledger.close();
  },
  /** One of the version before, which has not a page that it does not use, is taken over. */
  upgrade() {
    let ledger = openLedger(path, 100_000_000);
    assert.equal(add(ledger, 1_000, 900), "stored");
    ledger.close();
    const database = new Database(path);
    database.exec("DROP TABLE kept_epoch; PRAGMA user_version = 7");
    const lay = database.prepare("INSERT INTO ballast (only, bytes) VALUES (1, zeroblob(?))");
    const freeCount = () => database.pragma("freelist_count", { simple: true });
    for (let pages = 256; freeCount() > 0; pages += 1) {
      database.exec("DELETE FROM ballast");
      lay.run(pages * 4_092);
    }
    database.close();
    fill();
    ledger = openLedger(path, 100_000_000);
    assert.equal(statfsSync(dir).bavail, 0);
    assert.deepEqual([ledger.extent().last, ledger.keptEpoch()], [last, undefined]);
    assert.equal(add(ledger, 1, 900, { isOwn: true, destroyTo: 10 }), "stored");
    ledger.close();
  },
  /** Whose file it is does not matter where the kernel mounted the disk read-only, as after an error of it. */
  readOnly() {
    openLedger(path, 100_000_000).close();
    execFileSync("mount", ["-o", "remount,ro", dir]);
    assert.throws(() => openLedger(path, 100_000_000), {
      code: "ledger/unwritable",
      hint: /^that disk is mounted read-only: findmnt /,
    });
  },
};

scenarios[scenario]();
