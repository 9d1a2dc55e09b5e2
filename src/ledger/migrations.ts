import type Database from "better-sqlite3";
import { assert } from "../lib/assert.ts";

/**
 * How a ledger came to its present form, one step a version (`user_version`).
 *
 * A step that has been released is never changed; a new form is a new step at the end.
 */
export const migrations: readonly { readonly version: number; readonly sql: string }[] = [
  {
    version: 1,
    sql: `
      CREATE TABLE event (
        sequence INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        subject TEXT,
        at INTEGER NOT NULL,
        bytes BLOB NOT NULL
      ) STRICT;
      CREATE TABLE chain (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        chain TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        previous TEXT NOT NULL,
        peaks BLOB NOT NULL,
        lost INTEGER NOT NULL
      ) STRICT;
      CREATE TABLE cursor (
        broker TEXT PRIMARY KEY,
        settled TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
    `,
  },
  {
    version: 2,
    // What a broker will never take: the newest one by one, and how many there were in all.
    sql: `
      CREATE TABLE refused (
        broker TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        reason TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (broker, sequence)
      ) STRICT, WITHOUT ROWID;
      ALTER TABLE cursor ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;
    `,
  },
  {
    version: 3,
    // Pages that the file holds and does not use: what the ledger must tell about itself finds room in a full file.
    sql: `
      CREATE TABLE ballast (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        bytes BLOB NOT NULL
      ) STRICT;
    `,
  },
  {
    version: 4,
    // What became of the settled events, as JSON; absent: nobody counted, all of them were delivered.
    sql: "ALTER TABLE cursor ADD COLUMN counts TEXT",
  },
  {
    version: 5,
    // Events saved from damaged ledgers until every broker has them, and which of those were read through.
    sql: `
      CREATE TABLE salvaged (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        chain TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        kind TEXT NOT NULL,
        subject TEXT,
        reason TEXT NOT NULL,
        bytes BLOB NOT NULL,
        UNIQUE (chain, sequence)
      ) STRICT;
      CREATE TABLE quarantined (
        file TEXT PRIMARY KEY,
        at INTEGER NOT NULL
      ) STRICT;
    `,
  },
  {
    version: 6,
    // What came into a long cursor since it was last written as a whole, as JSON. And up to which event a damaged ledger
    // was read, where the rest found no room; absent: it was read through.
    sql: `
      CREATE TABLE cursor_added (
        id INTEGER PRIMARY KEY,
        broker TEXT NOT NULL,
        ranges TEXT NOT NULL
      ) STRICT;
      ALTER TABLE quarantined ADD COLUMN reached INTEGER;
    `,
  },
  {
    version: 7,
    // Of an erased event the row stays, with hashes for bytes: which ones those are, and what became of all that
    // was ever made, by reason, as JSON; absent: nobody counted.
    sql: `
      CREATE INDEX erased ON event (sequence) WHERE kind = 'erased';
      ALTER TABLE chain ADD COLUMN destroyed TEXT;
    `,
  },
  {
    version: 8,
    // The epoch event whose key signed the first events, where it is none of them any more; sequence 0: there is none. Its
    // room is held from now on, and taken from the ballast, for a full disk has no other.
    sql: `
      CREATE TEMP TABLE laid AS SELECT length(bytes) AS byteCount FROM ballast;
      DELETE FROM ballast;
      CREATE TABLE kept_epoch (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        sequence INTEGER NOT NULL,
        bytes BLOB NOT NULL,
        held BLOB NOT NULL
      ) STRICT;
      INSERT INTO kept_epoch (only, sequence, bytes, held) VALUES (1, 0, x'', zeroblob(12000));
      INSERT INTO ballast (only, bytes) SELECT 1, zeroblob(byteCount - 16368) FROM laid WHERE byteCount > 16368;
      DROP TABLE laid;
    `,
  },
];

/** "SGL1": says that a file is a sortgate ledger, whatever its name (SQLite file format §1.3.16). */
export const applicationId = 0x53474c31;

/** The form that this program writes; a ledger with a higher one belongs to a newer program. */
export const schemaVersion: number = migrations.at(-1)!.version;

assert(
  migrations.every(({ version }, index) => version === index + 1),
  "each step of the ledger has the version after the one before",
);

/** Brings a ledger from `version` to `schemaVersion`, in one transaction: it is old or new, never in between. */
export function migrate(database: Database.Database, version: number, steps: typeof migrations = migrations): void {
  database
    .transaction(() => {
      for (const step of steps) if (step.version > version) database.exec(step.sql);
      database.pragma(`application_id = ${applicationId}`);
      database.pragma(`user_version = ${steps.at(-1)!.version}`);
    })
    .immediate();
}
