import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type ChainProblem, createChainCheck } from "../../simulator/demo/chain-check.ts";

function linesOf(name: string): Buffer[] {
  const text = readFileSync(new URL(`../vectors/events/${name}.jsonl`, import.meta.url), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => Buffer.from(line));
}

/** What is wrong, by sequence. */
function problemsOf(name: string): Record<number, ChainProblem> {
  const check = createChainCheck<undefined>();
  const problems: Record<number, ChainProblem> = {};
  for (const line of linesOf(name))
    for (const { sequence, problem } of check.add(line, undefined))
      if (problem !== undefined) problems[sequence] = problem;
  return problems;
}

describe("the chain check", () => {
  it("finds nothing wrong with a whole chain over a change of keys", () => {
    const check = createChainCheck<number>();
    const checked = linesOf("whole").flatMap((line, index) => check.add(line, index));
    expect(checked.map(({ problem }) => problem)).toEqual(Array(10).fill(undefined));
    expect(checked.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(check.waitingCount()).toBe(0);
  });

  it("brings events into order and counts repeats", () => {
    const check = createChainCheck<undefined>();
    const checked = linesOf("whole-any-order-with-repeats").flatMap((line) => check.add(line, undefined));
    expect(checked.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(checked.every(({ problem }) => problem === undefined)).toBe(true);
    expect(check.repeatCount()).toBe(2);
  });

  it("keeps back what follows a gap", () => {
    const check = createChainCheck<undefined>();
    const checked = linesOf("missing-4").flatMap((line) => check.add(line, undefined));
    expect(checked.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect(check.waitingCount()).toBe(6);
  });

  it("names an altered event and the one that does not link to it", () => {
    expect(problemsOf("altered-3")).toEqual({ 3: "signature", 4: "link" });
  });

  it("refuses an event that an earlier epoch's key signed", () => {
    expect(problemsOf("forged-9-with-the-first-epoch-key")).toMatchObject({ 9: "key" });
  });

  it("refuses another algorithm", () => {
    expect(problemsOf("alg-none-3")).toMatchObject({ 3: expect.stringMatching(/key|signature/) });
  });

  it("takes nothing for an event that is none", () => {
    const check = createChainCheck<undefined>();
    for (const text of ["", "null", "[]", '{"sequence":"0"}', '{"sequence":"x"}', "\u0000"]) {
      expect(check.add(Buffer.from(text), undefined)).toMatchObject([{ problem: "not an event" }]);
    }
  });
});
