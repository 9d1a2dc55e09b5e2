import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { closeDataDir } from "../src/data-dir.ts";
import type { Notice } from "../src/model/notice.ts";
import { logLines, makeSite, oneScanner, startDaemon } from "./fakes/gateway.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Only root can give a folder to another user. */
const isRoot = process.getuid?.() === 0;

function aFolder(mode: number, ...files: string[]): { path: string; told: Notice[] } {
  const path = mkdtempSync(join(tmpdir(), "sortgate-folder-"));
  cleanups.push(() => rmSync(path, { recursive: true }));
  for (const file of files) writeFileSync(join(path, file), "");
  chmodSync(path, mode);
  return { path, told: [] };
}

/** Closes a folder with these files in it; gives its mode then, and what was told. */
function closed(mode: number, ...files: string[]): { mode: number; told: string[] } {
  const { path, told } = aFolder(mode, ...files);
  closeDataDir(path, (notice) => told.push(notice));
  return { mode: statSync(path).mode & 0o777, told: told.map(({ message }) => message.replaceAll(path, "FOLDER")) };
}

test("a data_dir that was made for all to see is closed", () => {
  expect(closed(0o755)).toEqual({ mode: 0o700, told: [] });
  const ours = ["ledger.db", "ledger.db-wal", "ledger.db.damaged-1", "identity", "devices", "raw-probes.jsonl"];
  expect(closed(0o750, ...ours)).toEqual({ mode: 0o700, told: [] });
  expect(closed(0o500)).toEqual({ mode: 0o500, told: [] });
});

test("one that others use too, as /tmp is, is left as it is, and told", () => {
  for (const file of ["control.sock", "devices.txt", "ca.pem"])
    expect(closed(0o755, "ledger.db", file)).toEqual({
      mode: 0o755,
      told: [expect.stringMatching(/^FOLDER is open to other users: .*\. Try: chmod 700 FOLDER, /)],
    });
});

test("one of another user's is left to that one, and told", () => {
  const { path: own, told } = aFolder(0o755);
  if (isRoot) chownSync(own, 1, 1);
  const path = isRoot ? own : "/usr";
  closeDataDir(path, (notice) => told.push(notice));
  expect(told).toMatchObject([{ name: "gateway/warning", level: "warn" }]);
  expect(statSync(path).mode & 0o777).toBe(0o755);
});

test("of one that is gone nothing is said", () => {
  const { path, told } = aFolder(0o755);
  closeDataDir(join(path, "gone"), (notice) => told.push(notice));
  expect(told).toEqual([]);
});

test("the built daemon does it at its start", async () => {
  const site = makeSite({ brokerUrl: "mqtt://127.0.0.1:1", rest: oneScanner(1) });
  cleanups.push(() => site.remove());
  mkdirSync(site.dataDir);
  chmodSync(site.dataDir, 0o755);
  const daemon = await startDaemon(site);
  cleanups.push(() => daemon.end());
  expect(statSync(site.dataDir).mode & 0o777).toBe(0o700);
  expect(logLines(daemon).filter(({ name }) => name === "gateway/warning")).toEqual([]);
}, 40_000);
