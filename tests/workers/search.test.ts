import { expect, it } from "vitest";
import { search } from "../../src/workers/search.ts";

/** How many events a search could not read, where all up to `goneTo` have gone meanwhile. */
function unreadable(goneTo: number, missing: readonly number[]): number {
  const read = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, index) => from + index)
      .filter((sequence) => sequence > goneTo && !missing.includes(sequence))
      .map((sequence) => ({ sequence, kind: "read" as const, bytes: Buffer.from("{}") }));
  const places = search({ first: 1, last: 1_200, firstNow: () => goneTo + 1, read }, [{ kind: "code", value: "SF1" }]);
  for (let next = places.next(); ; next = places.next()) if (next.done === true) return next.value;
}

it("a search counts what cannot be read, and not what was destroyed while it went on", () => {
  expect(unreadable(0, [3, 700])).toBe(2);
  expect(unreadable(600, [])).toBe(0);
  expect(unreadable(600, [700])).toBe(1);
});
