import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openLedger } from "../../src/ledger/index.ts";
import { aCommit, anEvent } from "./a-commit.ts";

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sortgate-ledger-"));
  path = join(dir, "ledger.db");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const bytesMax = 16_000_000;

describe("a ledger", () => {
  it("gives back after reopening exactly what was committed", () => {
    const ledger = openLedger(path, bytesMax);
    expect(ledger.chain()).toBeUndefined();
    expect(ledger.commit(aCommit([anEvent(1), anEvent(2)], { settled: new Map([["central", [[1, 1]]]]) }))).toBe(
      "stored",
    );
    ledger.close();
    const again = openLedger(path, bytesMax);
    expect(again.chain()).toMatchObject({ chain: "6f1c2a9be04d", sequence: 2 });
    expect(again.cursor("central")).toEqual([[1, 1]]);
    expect(again.cursor("nobody")).toEqual([]);
    expect(again.read(1, 9, 1e6).map((event) => Buffer.from(event.bytes).toString())).toEqual(["event 1", "event 2"]);
    expect(again.extent()).toMatchObject({ first: 1, last: 2 });
    again.close();
  });

  it("cuts a read off after the bytes that were asked for, but gives at least one event", () => {
    const ledger = openLedger(path, bytesMax);
    ledger.commit(aCommit([1, 2, 3].map((sequence) => anEvent(sequence, "x".repeat(100)))));
    expect(ledger.read(1, 3, 250).map((event) => event.sequence)).toEqual([1, 2]);
    expect(ledger.read(2, 3, 10).map((event) => event.sequence)).toEqual([2]);
    ledger.close();
  });

  it("destroys what it is told to in the same transaction", () => {
    const ledger = openLedger(path, bytesMax);
    ledger.commit(aCommit([anEvent(1), anEvent(2), anEvent(3)]));
    ledger.commit(aCommit([anEvent(4)], { destroyTo: 2, lostCount: 2 }));
    expect(ledger.extent()).toMatchObject({ first: 3, last: 4 });
    expect(ledger.lostCount()).toBe(2);
    expect(ledger.lastBefore(3_500, 99)).toBe(3);
    expect(ledger.lastBefore(1_000, 99)).toBe(2);
    expect(ledger.lastBefore(99_000, 99)).toBe(4);
    expect(ledger.lastBefore(99_000, 3)).toBe(3);
    ledger.close();
  });

  it("answers full when it may not grow, writes nothing of that commit, and takes the next one after room was made", () => {
    const ledger = openLedger(path, 9_000_000);
    let sequence = 0;
    for (;;) {
      const stored = ledger.commit(aCommit([anEvent(sequence + 1, "x".repeat(50_000))]));
      if (stored === "full") break;
      sequence += 1;
    }
    expect(sequence).toBeGreaterThan(10);
    expect(ledger.extent().last).toBe(sequence);
    expect(ledger.chain()?.sequence).toBe(sequence);
    expect(ledger.commit(aCommit([anEvent(sequence + 1, "x".repeat(50_000))], { destroyTo: 5 }))).toBe("stored");
    expect(ledger.extent()).toMatchObject({ first: 6, last: sequence + 1 });
    ledger.close();
  });
});

describe("a file that cannot be the ledger", () => {
  const code = (open: () => unknown): string => {
    try {
      open();
    } catch (error) {
      return (error as { code: string }).code;
    }
    return "opened";
  };

  it("is refused untouched when it is garbage", () => {
    const garbage = Buffer.alloc(10_000, "garbage ");
    writeFileSync(path, garbage);
    expect(code(() => openLedger(path, bytesMax))).toBe("ledger/corrupt");
    expect(readFileSync(path).equals(garbage)).toBe(true);
  });

  it.each([0, 7])("is refused untouched when it is somebody else's database, with the mark %i", (mark) => {
    const database = new Database(path);
    database.pragma(`application_id = ${mark}`);
    database.exec("CREATE TABLE event (sequence INTEGER PRIMARY KEY, kind TEXT, subject TEXT, at INTEGER, bytes BLOB)");
    database.exec("INSERT INTO event VALUES (1, 'read', 'tunnel-1', 1000, x'00')");
    database.close();
    const before = readFileSync(path);
    expect(code(() => openLedger(path, bytesMax))).toBe("ledger/corrupt");
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it("is refused untouched when it is what a ledger holds, written as text", () => {
    openLedger(path, bytesMax).close();
    const database = new Database(path, { readonly: true });
    const tables = database.prepare("SELECT sql FROM sqlite_master").pluck().all() as string[];
    database.close();
    rmSync(`${path}-wal`, { force: true });
    const text = Buffer.from(`${tables.join(";\n")}\n{"type":"org.sortgate.read.v1"}\n`.repeat(10));
    writeFileSync(path, text);
    expect(code(() => openLedger(path, bytesMax))).toBe("ledger/corrupt");
    expect(readFileSync(path).equals(text)).toBe(true);
  });

  it("is moved aside when it has another mark, also before its first event", () => {
    openLedger(path, bytesMax).close();
    const bytes = readFileSync(path);
    bytes[70]! ^= 1;
    writeFileSync(path, bytes);
    const next = openLedger(path, bytesMax);
    expect(readFileSync(next.moved!.file).equals(bytes)).toBe(true);
    next.close();
  });

  it("is refused untouched when a newer program made it", () => {
    openLedger(path, bytesMax).close();
    const database = new Database(path);
    database.pragma("user_version = 99");
    database.pragma("wal_checkpoint(TRUNCATE)");
    database.close();
    expect(code(() => openLedger(path, bytesMax))).toBe("ledger/newer");
    const after = new Database(path);
    expect(after.pragma("user_version", { simple: true })).toBe(99);
    after.close();
  });

  it("is moved aside when its last event is not the one that the chain goes on from", () => {
    const ledger = openLedger(path, bytesMax);
    ledger.commit(aCommit([anEvent(1), anEvent(2)]));
    ledger.close();
    const database = new Database(path);
    database.exec("UPDATE event SET bytes = x'00' WHERE sequence = 2");
    database.close();
    const next = openLedger(path, bytesMax);
    expect(next.chain()).toBeUndefined();
    expect(next.unsalvaged()).toEqual([{ file: next.moved?.file, reached: 0 }]);
    next.close();
  });

  it("is moved aside at the second start at the latest when an older copy was put beside a newer log", () => {
    const first = openLedger(path, bytesMax);
    for (let sequence = 1; sequence <= 500; sequence += 1) first.commit(aCommit([anEvent(sequence, "x".repeat(900))]));
    first.close();
    copyFileSync(path, `${path}.backup`);
    const second = openLedger(path, bytesMax);
    for (let sequence = 501; sequence <= 550; sequence += 1)
      second.commit(aCommit([anEvent(sequence, "x".repeat(900))]));
    // As a process that exits in the middle of its work leaves it: folded, and the log under its second name.
    copyFileSync(`${path}-wal`, `${path}.log`);
    second.close();
    rmSync(`${path}-wal`, { force: true });
    renameSync(`${path}.log`, `${path}-reserve`);
    writeFileSync(`${path}-open`, "");
    copyFileSync(`${path}.backup`, path);
    const attempts = [1, 2].map(() => code(() => openLedger(path, bytesMax).close()));
    expect(attempts).toEqual(["ledger/corrupt", "opened"]);
    expect(readdirSync(dir).some((name) => name.includes(".damaged-"))).toBe(true);
  });

  it("is moved aside when its end is cut off, and refused when nothing but a stump is left", () => {
    const ledger = openLedger(path, bytesMax);
    for (let sequence = 1; sequence <= 200; sequence += 1)
      ledger.commit(aCommit([anEvent(sequence, "x".repeat(1_000))]));
    ledger.close();
    truncateSync(path, 40_000);
    const cut = readFileSync(path);
    const next = openLedger(path, bytesMax);
    expect(readFileSync(next.moved!.file).equals(cut)).toBe(true);
    next.close();
    truncateSync(path, 50);
    expect(code(() => openLedger(path, bytesMax))).toBe("ledger/corrupt");
    expect(statSync(path).size).toBe(50);
  });

  it("is refused while another program has it open", () => {
    const ledger = openLedger(path, bytesMax);
    ledger.commit(aCommit([anEvent(1)]));
    expect(code(() => openLedger(path, bytesMax))).toBe("ledger/in-use");
    expect(ledger.commit(aCommit([anEvent(2)]))).toBe("stored");
    ledger.close();
  });

  it("is refused when its directory is a file", () => {
    writeFileSync(join(dir, "plain"), "");
    expect(code(() => openLedger(join(dir, "plain", "ledger.db"), bytesMax))).toBe("ledger/unwritable");
  });
});
