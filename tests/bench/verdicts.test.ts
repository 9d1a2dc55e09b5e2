import { describe, expect, test } from "vitest";
import { gatewayCeilingRate } from "./ceiling.ts";
import { createReport } from "./report.ts";
import { atLeast, atMost, beside, plain, type Scenario, scenario } from "./scenario.ts";
import { scenarios } from "./scenarios.ts";
import { judge, verdictText } from "./verdicts.ts";

/** Three rounds of each; the wild one in the middle is no median. */
function aReport(...figures: (readonly [scenario: string, contender: string, value: number])[]) {
  const report = createReport();
  for (const [name, contender, value] of figures)
    for (const round of [value, value * 100, value]) report.add(name, contender, "any", round);
  return { median: report.median, cores: 2 };
}

const rate = scenario("A", "rate", plain("events/s", "rate"), atLeast({ floor: 100, goal: 200 }));
const cost = scenario("B", "cost", beside("cost"), atMost({ floor: 1 / 2, goal: 1 / 4 }));

const verdict = (entry: Scenario, found: ReturnType<typeof aReport>) => judge(found, [entry])[0]?.verdict;

describe("a verdict", () => {
  test.each([
    [200, "holds"],
    [199, "goal missed"],
    [100, "goal missed"],
    [99, "FLOOR MISSED"],
  ])("of %d where at least 100 is the floor and 200 the goal", (value, expected) => {
    expect(verdict(rate, aReport(["rate", "sortgate", value]))).toBe(expected);
  });

  test.each([
    [1, "holds"],
    [2, "goal missed"],
    [3, "FLOOR MISSED"],
  ])("of %d beside 4 where at most a half is the floor and a quarter the goal", (value, expected) => {
    const found = aReport(["cost", "afternoon script", 4], ["cost", "sortgate", value]);
    expect(verdict(cost, found)).toBe(expected);
  });

  test("needs both sides of a ratio", () => {
    expect(verdict(cost, aReport(["cost", "sortgate", 1]))).toBe("not measured");
    expect(verdict(cost, aReport(["cost", "afternoon script", 1]))).toBe("not measured");
    expect(verdict(cost, aReport(["cost", "afternoon script", 0], ["cost", "sortgate", 1]))).toBe("not measured");
  });

  test("of a target without a floor is never worse than a missed goal", () => {
    const target = scenario("T", "rate", plain("events/s", "rate"), atLeast({ goal: 200 }));
    expect(verdict(target, aReport(["rate", "sortgate", 1]))).toBe("goal missed");
  });

  test("of what the product does not have says so", () => {
    expect(verdict({ ...rate, isAbsent: true, note: "why" }, aReport())).toBe("not in the product");
  });
});

describe("the table", () => {
  test("has a line for each scenario, whatever was measured", () => {
    const found = aReport(["rate", "sortgate", 250], ["cost", "afternoon script", 4], ["cost", "sortgate", 2]);
    const missing = scenario("C", "never run", plain("MB", "memory"), atMost({ goal: 10 }), "needs a scale");
    expect(verdictText(judge(found, [rate, cost, missing])).split("\n")).toEqual([
      "| id | scenario  | measured     | floor | goal   | verdict      |",
      "|----|-----------|--------------|-------|--------|--------------|",
      "| A  | rate      | 250 events/s | ≥ 100 | ≥ 200  | holds        |",
      "| B  | cost      | 0.5 ×        | ≤ 0.5 | ≤ 0.25 | goal missed  |",
      "| C  | never run | -            | -     | ≤ 10   | not measured |",
      "",
      'holds: 1, goal missed: 1, not measured: 1. "The script" is the afternoon script.',
      "- C: needs a scale.",
    ]);
  });

  test("of the bench has every scenario of the field, each line under an id of its own", () => {
    const ids = scenarios.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const named = new Set(ids.map((id) => id.split(" ")[0]));
    for (let number = 1; number <= 25; number += 1) expect(named).toContain(`S${number}`);
  });

  test("of the bench states bounds that a better value reaches, or why nothing is measured", () => {
    for (const { id, direction, floor, goal, value, note } of scenarios) {
      expect(floor ?? goal, id).toBeDefined();
      if (floor !== undefined && goal !== undefined)
        expect(direction === "at least" ? goal >= floor : goal <= floor, id).toBe(true);
      expect(value ?? note, id).toBeDefined();
    }
  });

  test("of an empty report claims nothing", () => {
    const verdicts = new Set(judge(aReport()).map((judged) => judged.verdict));
    expect(verdicts).toEqual(new Set(["not measured", "not in the product"]));
  });
});

test("the ceiling of a gateway alone leaves out the broker and the subscriber", () => {
  const { median } = aReport(
    ["S12 seal", "sign", 24],
    ["S13 append, 1000 a commit", "commits", 250_000],
    ["publish: CPU with subscriber", "mqtt", 20],
    ["publish: CPU of the broker", "mqtt", 10],
    ["publish: CPU of the subscriber", "publish.c", 8],
  );
  expect(gatewayCeilingRate(median, 2)).toBeCloseTo(2e6 / (24 + 4 + 20 - 8));
});
