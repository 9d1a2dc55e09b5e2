import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openSealing, suiteOf } from "../../src/guard/index.ts";
import { aPair } from "../config/certificates.ts";
import { runHere } from "./run-here.ts";

const dayMs = 86_400_000;
const nowMs = Date.parse("2026-11-23T12:00:00Z");

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sortgate-open-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** The event that holds the content key, and two sealed ones, a line each; beside them the private key. */
async function sealedLines(): Promise<string[]> {
  const { cert, key } = aPair(nowMs - dayMs, nowMs + dayMs);
  writeFileSync(join(dir, "centre.pem"), cert);
  writeFileSync(join(dir, "centre.key"), key);
  const events: object[] = [];
  const sealing = await openSealing({
    suite: suiteOf("intl"),
    keyFile: join(dir, "centre.pem"),
    now: () => nowMs,
    tell() {},
    announce: (event) => events.push(event) > 0,
  });
  for (const passId of ["one", "two"])
    events.push({ data: { passId, sealed: sealing.seal([{ kind: "phone", value: "13912345678" }], passId) } });
  sealing.close();
  return events.map((event, index) => JSON.stringify({ specversion: "1.0", id: String(index), ...event }));
}

function open(lines: readonly string[], ...more: string[]) {
  writeFileSync(join(dir, "events.jsonl"), lines.join("\n"));
  return runHere("open", join(dir, "events.jsonl"), "--key", join(dir, "centre.key"), ...more);
}

test("what is whole is opened, and nothing is said besides", async () => {
  const { code, stdout, stderr } = await open(await sealedLines());
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toContain("\nopened 2, without their key 0, altered 0\n");
});

test("without the event that holds the content key, that is said, and what to do", async () => {
  const [, ...sealed] = await sealedLines();
  const { code, stdout, stderr } = await open(sealed);
  expect([code, stdout]).toEqual([1, expect.stringContaining("\nopened 0, without their key 2, altered 0\n")]);
  expect(stderr).toMatch(
    /^Error: The content key of 2 events is not in this file, or was altered\nTry: capture the whole chain: .*seal-key.*\n$/,
  );
});

test("what was altered, or put into another event, is said, and what to do", async () => {
  const [key, first, second] = await sealedLines();
  const { code, stdout, stderr } = await open([key!, first!.replace('"one"', '"two"'), second!]);
  expect([code, stdout]).toEqual([1, expect.stringContaining("\nopened 1, without their key 0, altered 1\n")]);
  expect(stderr).toMatch(
    /^Error: What is sealed in 1 event is not what the gateway sealed there: .*\nTry: sortgate verify names .*\n$/,
  );
});

test("with --json each line tells its reason, and nothing stands besides", async () => {
  const [, first] = await sealedLines();
  const { code, stdout, stderr } = await open([first!], "--json");
  expect([code, stderr, JSON.parse(stdout)]).toEqual([1, "", { id: "1", reason: "no-key" }]);
});
