import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const bench = join(import.meta.dirname, "../../dist/tests/bench/bench.js");

/** What is measured here says nothing; that all contenders deliver what was sent does. */
test("R37 the bench drives every contender from the wire to a subscriber, and loses nothing on the way through sortgate, on one core either", async () => {
  // Programs that the rig starts.
  for (const { error } of [
    spawnSync("mosquitto", ["-h"]),
    spawnSync("strace", ["-V"]),
    spawnSync("socat", ["-V"]),
    spawnSync("taskset", ["-V"]),
  ])
    expect(error).toBeUndefined();
  const out = await mkdtemp(join(tmpdir(), "sortgate-bench-test-"));
  try {
    const options = ["--rounds", "1", "--seconds", "1", "--only", "throughput", "--out", out];
    const { stdout } = await promisify(execFile)(process.execPath, [bench, ...options], { timeout: 300_000 });
    expect(stdout).toContain("| baseline");
    const { figures, verdicts } = JSON.parse(await readFile(join(out, "bench.json"), "utf8")) as {
      figures: { scenario: string; contender: string; values: number[] }[];
      verdicts: { id: string; verdict: string }[];
    };
    const valuesOf = (scenario: string, contender: string): number[] =>
      figures.find((figure) => figure.scenario === scenario && figure.contender === contender)?.values ?? [];
    for (const contender of ["afternoon script", "sortgate", "mosquitto_pub -l"])
      expect(valuesOf("S2 distinct events/s", contender), contender).toHaveLength(1);
    // "Lost" counts what was sent and never came; something is always sent.
    for (const scenario of [
      "S2 distinct events/s",
      "S1 events/s at 5 reads each",
      "S6 events/s, each fsync 5 ms slower",
      "S4 events/s, null broker",
      "R37 events/s on one core",
    ])
      expect(valuesOf(`${scenario}: lost`, "sortgate"), scenario).toEqual([0]);
    // No ratios: in one second a contender may deliver nothing to be compared with.
    const verdictOf = (id: string): string | undefined => verdicts.find((judged) => judged.id === id)?.verdict;
    for (const id of ["T1", "T4", "T7"]) expect(["holds", "goal missed"], id).toContain(verdictOf(id));
    for (const id of ["T6", "S12"]) expect(verdictOf(id), id).toBe("not measured");
    for (const { id } of verdicts) expect(stdout).toContain(`\n| ${id} `);
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}, 300_000);
