import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, expect, test, vi } from "vitest";
import {
  askStatus,
  aWaybill,
  framed,
  makeSite,
  oneScanner,
  openTcpScanner,
  type Site,
  startCommand,
  startDaemon,
} from "../fakes/gateway.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Root may do anything to a file, so root runs the daemon as nobody. */
const isRoot = process.getuid?.() === 0;
const nobody = 65_534;
const asNobody = isRoot ? ["setpriv", "--reuid", `${nobody}`, "--regid", `${nobody}`, "--clear-groups"] : [];

/** A ledger with parcels in it, whose daemon ended cleanly. */
async function makeLedger(): Promise<{ site: Site; path: string }> {
  const scanner = await openTcpScanner();
  const site = makeSite({ brokerUrl: "mqtt://127.0.0.1:1", rest: oneScanner(scanner.port) });
  cleanups.push(
    () => site.remove(),
    () => scanner.close(),
  );
  if (isRoot) chownSync(site.dir, nobody, nobody);
  const daemon = await startDaemon(site, process.env, { under: asNobody });
  await scanner.connected();
  scanner.send(Array.from({ length: 30 }, (_, number) => framed(aWaybill(number))).join(""));
  await vi.waitFor(async () => expect((await askStatus(site)).queue.last).toBeGreaterThan(30), 15_000);
  expect(await daemon.end()).toBe(0);
  return { site, path: join(site.dataDir, "ledger.db") };
}

/** Names and bytes of the ledger's files; the shared memory that SQLite makes for a look at them is not one. */
function filesOf({ dataDir }: Site): Record<string, string> {
  const names = readdirSync(dataDir).filter((name) => name.startsWith("ledger.db") && !name.endsWith("-shm"));
  return Object.fromEntries(
    names
      .filter((name) => lstatSync(join(dataDir, name)).isFile())
      .map((name) => [name, readFileSync(join(dataDir, name)).toString("base64")]),
  );
}

/** Another program, which holds the file open until it is ended. */
async function openElsewhere(path: string): Promise<void> {
  const script = `
    const Database = require(${JSON.stringify(createRequire(import.meta.url).resolve("better-sqlite3"))});
    const database = new Database(${JSON.stringify(path)});
    database.pragma("locking_mode = EXCLUSIVE");
    database.exec("BEGIN EXCLUSIVE");
    console.log("open");
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  cleanups.push(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
}

interface Case {
  readonly what: string;
  readonly harm: (path: string, site: Site) => void | Promise<void>;
  readonly code: number;
  readonly sentence: RegExp;
}

const cases: readonly Case[] = [
  {
    what: "garbage",
    harm: (path) => writeFileSync(path, Buffer.alloc(65_536, "no database at all ")),
    code: 74,
    sentence: /ledger\.db is not a sortgate ledger/,
  },
  {
    what: "cut off to a stump",
    harm: (path) => truncateSync(path, 50),
    code: 74,
    sentence: /ledger\.db is not a sortgate ledger/,
  },
  {
    what: "from a newer version",
    harm(path) {
      const database = new Database(path);
      database.pragma("user_version = 999");
      database.close();
    },
    code: 1,
    sentence: /ledger\.db was written by a newer sortgate/,
  },
  {
    what: "read-only",
    harm: (path) => chmodSync(path, 0o400),
    code: 1,
    sentence: /ledger\.db cannot be written/,
  },
  {
    what: "owned by someone else",
    harm(path) {
      if (isRoot) chownSync(path, 0, 0);
      chmodSync(path, isRoot ? 0o600 : 0);
    },
    code: 1,
    sentence: /ledger\.db cannot be (?:read|written|opened)/,
  },
  {
    what: "in a directory that nobody may write to",
    harm: (_path, site) => chmodSync(site.dataDir, 0o500),
    code: 1,
    sentence: /cannot (?:be written|write)/i,
  },
  {
    what: "open in another program",
    harm: openElsewhere,
    code: 1,
    sentence: /ledger\.db is open in another program/,
  },
  {
    what: "a directory",
    harm(path) {
      rmSync(path);
      mkdirSync(path);
    },
    code: 1,
    sentence: /ledger\.db is not a file/,
  },
  ...["-open", "-wal", "-reserve"].map((name) => ({
    what: `beside a pipe for its ${name.slice(1)}`,
    harm(path: string) {
      rmSync(path + name, { force: true });
      execFileSync("mkfifo", ["-m", "666", path + name]);
    },
    code: 1,
    sentence: new RegExp(`ledger\\.db${name} is not a file`),
  })),
  {
    what: "beside a folder for its mark",
    harm: (path) => mkdirSync(`${path}-open`),
    code: 1,
    sentence: /ledger\.db-open is not a file/,
  },
];

test.each(cases)(
  "a ledger that is $what ends the start with one sentence, a next step and the right code; every file stays as it is",
  async ({ harm, code, sentence }) => {
    const { site, path } = await makeLedger();
    await harm(path, site);
    const before = filesOf(site);
    const { finished } = startCommand(["run", "--config", site.configPath], process.env, asNobody);
    const ended = await finished;
    expect(ended.stderr).toMatch(/^Error: [^\n]+\nTry: [^\n]+\n$/);
    expect(ended.stderr).toMatch(sentence);
    expect(ended.code).toBe(code);
    expect(filesOf(site)).toEqual(before);
  },
  60_000,
);
