import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createVerifier, type Finding, type Verdict } from "../../../src/seal/index.ts";

const folder = new URL("../../vectors/events/", import.meta.url);
const certificate = new X509Certificate(readFileSync(new URL("cert.der", folder)));

function linesOf(name: string): string[] {
  return readFileSync(new URL(`${name}.jsonl`, folder), "utf8").split("\n");
}

function judge(
  lines: readonly string[],
  settings: Parameters<typeof createVerifier>[0] = { trust: [certificate] },
): Verdict {
  const verifier = createVerifier(settings);
  for (const [index, line] of lines.entries()) verifier.push(line, index + 1);
  return verifier.finish();
}

function findingsOf(name: string): readonly Finding[] {
  const { chains, malformed } = judge(linesOf(name));
  expect(chains).toHaveLength(1);
  expect(malformed).toEqual([]);
  return chains[0]?.findings ?? [];
}

describe("the chains that another program made", () => {
  test("a whole chain is authentic with its certificate", () => {
    const verdict = judge(linesOf("whole"));
    expect(verdict).toMatchObject({ verdict: "whole", lineCount: 10, malformedCount: 0 });
    expect(verdict.chains).toEqual([
      {
        chain: "6f1c2a9be04d",
        gateway: "line-3",
        site: "HZ01",
        erasedCount: 0,
        viewCount: 0,
        eventCount: 10,
        epochCount: 2,
        repeatCount: 0,
        checkpointCount: 2,
        from: 1,
        to: 10,
        verdict: "whole",
        trust: "authentic",
        certificate: "O=HZ01, CN=line-3",
        findings: [],
        findingCount: 0,
      },
    ]);
  });

  test("a whole chain without a certificate to trust is only consistent", () => {
    expect(judge(linesOf("whole"), {}).chains[0]).toMatchObject({ verdict: "whole", trust: "consistent" });
  });

  test("order does not matter, and repeats are counted", () => {
    const { chains } = judge(linesOf("whole-any-order-with-repeats"));
    expect(chains[0]).toMatchObject({ verdict: "whole", trust: "authentic", eventCount: 10, repeatCount: 2 });
    expect(chains[0]).toMatchObject({ checkpointCount: 2 });
    expect(chains[0]?.findings).toEqual([
      { kind: "repeated", sequence: 3, line: 11, count: 1 },
      { kind: "repeated", sequence: 8, line: 12, count: 1 },
    ]);
  });

  test("a copy that was serialised again is whole, with a note", () => {
    const { chains } = judge(linesOf("reserialised-whole"));
    expect(chains[0]).toMatchObject({ verdict: "whole", trust: "authentic", eventCount: 10, checkpointCount: 2 });
    expect(chains[0]?.findings).toEqual([{ kind: "not-canonical", sequence: 1, line: 1, count: 10 }]);
  });

  test("a missing event is named", () => {
    expect(findingsOf("missing-4")).toEqual([{ kind: "missing", from: 4, to: 4 }]);
  });

  test("an altered event is named, and the next one does not link to it", () => {
    expect(findingsOf("altered-3")).toEqual([
      { kind: "altered", sequence: 3, line: 3 },
      { kind: "unlinked", sequence: 4, line: 4 },
    ]);
  });

  test("two events that changed places are both forged", () => {
    expect(findingsOf("swapped-3-4")).toEqual([
      { kind: "forged", sequence: 3, line: 3, reason: "other-sequence" },
      { kind: "forged", sequence: 4, line: 4, reason: "other-sequence" },
      { kind: "unlinked", sequence: 5, line: 5 },
    ]);
  });

  test("an event by the key of an earlier epoch is forged", () => {
    expect(findingsOf("forged-9-with-the-first-epoch-key")).toEqual([
      { kind: "forged", sequence: 9, line: 9, reason: "other-key" },
      { kind: "unlinked", sequence: 10, line: 10 },
    ]);
  });

  test("two events that claim one sequence are a fork", () => {
    expect(findingsOf("two-histories-of-5")).toEqual([{ kind: "forked", sequence: 5, lines: [5, 6], count: 2 }]);
  });

  test("another algorithm is refused", () => {
    expect(findingsOf("alg-none-3")).toEqual([
      { kind: "algorithm", sequence: 3, line: 3 },
      { kind: "unlinked", sequence: 4, line: 4 },
    ]);
  });

  test("a tail that is cut off looks whole, until a witness knows better", () => {
    const lines = linesOf("truncated-tail");
    expect(judge(lines).chains[0]).toMatchObject({ verdict: "whole", trust: "authentic", from: 1, to: 6 });
    const witnessed = judge(lines, { trust: [certificate], witness: [linesOf("whole")[9] as string] });
    expect(witnessed.chains[0]?.findings).toEqual([{ kind: "truncated", after: 6, size: 10 }]);
    expect(witnessed).toMatchObject({ verdict: "broken", witnessCount: 1 });
  });

  test("what came twice through two passes is judged alike", () => {
    const verifier = createVerifier({ trust: [certificate] });
    const lines = linesOf("whole").reverse();
    for (const line of lines) verifier.learn(line);
    for (const [index, line] of lines.entries()) verifier.push(line, index + 1);
    expect(verifier.finish().chains[0]).toMatchObject({ verdict: "whole", eventCount: 10, trust: "authentic" });
  });
});
