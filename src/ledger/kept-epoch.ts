import type Database from "better-sqlite3";
import type { SealedEvent } from "../model/event.ts";

/**
 * The event that tells the key of the first events on disk, where it was destroyed and they were not: without it nobody
 * could verify them. It counts as destroyed: it is not in the table of events, and no broker gets it again.
 *
 * It changes in the transaction that destroys, into room that the file has held from the start.
 */
export interface KeptEpoch {
  /** Undefined while the first event on disk begins an epoch. */
  read(): SealedEvent | undefined;
  /** Before events up to `to` are destroyed: the last epoch event among them. Cost: reads back from `to` to it. */
  find(to: number): SealedEvent | undefined;
  /** …and behind that, when what comes in with the same commit is there. Takes: what was found. */
  keep(found: SealedEvent | undefined): void;
}

interface Row {
  readonly sequence: number;
  readonly bytes: Buffer;
}

/** What an epoch event takes with its certificates, as the migration holds it; a longer one takes the room of what went. */
const heldBytes = 12_000;

const eventOf = (row: unknown): SealedEvent | undefined =>
  row === undefined ? undefined : { ...(row as Row), kind: "epoch", subject: undefined };

export function createKeptEpoch(database: Database.Database): KeptEpoch {
  const get = database.prepare("SELECT sequence, bytes FROM kept_epoch WHERE sequence > 0");
  const find = database.prepare(
    "SELECT sequence, bytes FROM event WHERE kind = 'epoch' AND sequence <= ? ORDER BY sequence DESC LIMIT 1",
  );
  const first = database.prepare("SELECT kind FROM event ORDER BY sequence LIMIT 1").pluck();
  const drop = database.prepare("DELETE FROM kept_epoch");
  const put = database.prepare("INSERT INTO kept_epoch (only, sequence, bytes, held) VALUES (1, ?, ?, zeroblob(?))");
  const write = (sequence: number, bytes: Uint8Array): void => {
    drop.run();
    put.run(sequence, bytes, Math.max(0, heldBytes - bytes.length));
  };

  return {
    read: () => eventOf(get.get()),
    find: (to) => eventOf(find.get(to)),
    keep(found) {
      if (first.get() === "epoch") {
        if (get.get() !== undefined) write(0, Buffer.alloc(0));
      } else if (found !== undefined) write(found.sequence, found.bytes);
    },
  };
}
