import { join, relative } from "node:path";
import { defineConfig } from "vitest/config";
import { announce, unmetNeeds } from "./tests/needs.ts";

const root = import.meta.dirname;
const unmet = unmetNeeds(join(root, "tests"), "deep/");
announce(root, unmet);

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    // The deep lane has a config of its own: vitest.deep.config.ts.
    exclude: ["tests/deep/**", ...unmet.map(({ file }) => relative(root, file))],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A loaded machine takes a second to start a process; a condition that holds is not waited for.
    expect: { poll: { timeout: 15_000 } },
    reporters: ["default"],
  },
});
