// append DATABASE EVENTS BATCH EVENT_BYTES: the commits of the append stage, in C, into an empty ledger that the product
// made: the same schema, the same rows, the chain's row with each commit, at FULL.
//
// Built with the amalgamation and the options that better-sqlite3 brings, so that both sides run the same SQLite.
// The log is folded by SQLite's own rule (each 1,000 pages), where the product folds it itself and holds its room.
#include "cost.h"
#include "sqlite3.h"
#include <string.h>

static sqlite3 *database;

static void must(int result, int wanted) {
  if (result != wanted) fail(sqlite3_errmsg(database));
}

static void run(const char *sql) { must(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK); }

static sqlite3_stmt *prepared(const char *sql) {
  sqlite3_stmt *statement;
  must(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
  return statement;
}

static void step(sqlite3_stmt *statement) {
  must(sqlite3_step(statement), SQLITE_DONE);
  must(sqlite3_reset(statement), SQLITE_OK);
}

int main(int argc, char **argv) {
  if (argc != 5) fail("append DATABASE EVENTS BATCH EVENT_BYTES");
  const long count = number(argc, argv, 2), batch = number(argc, argv, 3), event_bytes = number(argc, argv, 4);
  must(sqlite3_open_v2(argv[1], &database, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
  run("PRAGMA locking_mode = EXCLUSIVE");
  run("PRAGMA journal_mode = WAL");
  run("PRAGMA synchronous = FULL");
  run("PRAGMA temp_store = MEMORY");
  sqlite3_stmt *begin = prepared("BEGIN"), *commit = prepared("COMMIT");
  sqlite3_stmt *insert = prepared("INSERT INTO event (sequence, kind, subject, at, bytes) VALUES (?, ?, ?, ?, ?)");
  sqlite3_stmt *chain = prepared(
      "INSERT INTO chain (only, chain, sequence, previous, peaks, lost) VALUES (1, ?, ?, ?, ?, ?) ON CONFLICT (only) "
      "DO UPDATE SET sequence = excluded.sequence, previous = excluded.previous, peaks = excluded.peaks, "
      "lost = excluded.lost");
  char *bytes = allocated((size_t)event_bytes, 1), previous[43], peaks[8] = {0};
  memset(bytes, 'x', (size_t)event_bytes);
  memset(previous, 'A', sizeof previous);

  const struct cost from = cost_now();
  for (long sequence = 0; sequence < count;) {
    step(begin);
    for (long n = 0; n < batch; n += 1) {
      sequence += 1;
      sqlite3_bind_int64(insert, 1, sequence);
      sqlite3_bind_text(insert, 2, "read", -1, SQLITE_STATIC);
      sqlite3_bind_text(insert, 3, "tunnel-1", -1, SQLITE_STATIC);
      sqlite3_bind_int64(insert, 4, 1795758139000);
      sqlite3_bind_blob(insert, 5, bytes, (int)event_bytes, SQLITE_STATIC);
      step(insert);
    }
    sqlite3_bind_text(chain, 1, "0123456789ab", -1, SQLITE_STATIC);
    sqlite3_bind_int64(chain, 2, sequence);
    sqlite3_bind_text(chain, 3, previous, sizeof previous, SQLITE_STATIC);
    sqlite3_bind_blob(chain, 4, peaks, sizeof peaks, SQLITE_STATIC);
    sqlite3_bind_int64(chain, 5, 0);
    step(chain);
    step(commit);
  }
  print_cost(from, count);
  return 0;
}
