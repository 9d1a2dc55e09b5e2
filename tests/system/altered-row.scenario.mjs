// Alters a ledger as somebody would who has its file and no key; runs where the small disk can be seen.
import { createHash } from "node:crypto";
import Database from "better-sqlite3";

const [path, what] = process.argv.slice(2);
const database = new Database(path);
const hashOf = (bytes) => createHash("sha256").update(bytes).digest("base64url");

const ways = {
  /** The hashes of all that follows are made to fit, so that nothing but the signatures tells. */
  event() {
    const rows = database.prepare("SELECT sequence, bytes FROM event WHERE kind <> 'epoch' ORDER BY sequence").all();
    const put = database.prepare("UPDATE event SET bytes = ? WHERE sequence = ?");
    const from = rows.findIndex(({ bytes }) => bytes.includes('"code":"'));
    let previous;
    for (const { sequence, bytes } of rows.slice(from)) {
      const text = bytes.toString("utf8");
      const altered = previous === undefined ? text.replace('"code":"', '"code":"X') : relinked(text, previous);
      put.run(Buffer.from(altered), sequence);
      previous = hashOf(altered);
    }
    database.prepare("UPDATE chain SET previous = ?").run(previous);
  },
  kept() {
    const bytes = database.prepare("SELECT bytes FROM kept_epoch WHERE sequence > 0").pluck().get();
    const altered = bytes.toString("utf8").replace('"software":"', '"software":"9');
    database.prepare("UPDATE kept_epoch SET bytes = ?").run(Buffer.from(altered));
  },
};

const relinked = (text, previous) => text.replace(/"previous":"[^"]*"/, `"previous":"${previous}"`);

database.transaction(ways[what])();
database.close();
