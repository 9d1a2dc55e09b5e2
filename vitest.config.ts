import { join, relative } from "node:path";
import { defineConfig } from "vitest/config";
import { unmetNeeds } from "./tests/needs.ts";

const root = import.meta.dirname;
const unmet = unmetNeeds(join(root, "tests"));

// A machine without some program still runs all other tests, and says aloud what it did not run. CI must have them all.
for (const { file, programs } of unmet)
  process.stderr.write(`NOT RUN: ${relative(root, file)} needs ${programs.join(", ")}\n`);
if (unmet.length > 0) {
  const programs = [...new Set(unmet.flatMap((need) => need.programs))].join(", ");
  process.stderr.write(`NOT RUN: ${unmet.length} test files. Try: install ${programs}\n`);
  if (process.env.CI) throw new Error(`CI lacks ${programs}`);
}

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    exclude: unmet.map(({ file }) => relative(root, file)),
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A loaded machine takes a second to start a process; a condition that holds is not waited for.
    expect: { poll: { timeout: 15_000 } },
    reporters: ["default"],
  },
});
