import { join, relative } from "node:path";
import { defineConfig } from "vitest/config";
import { announce, unmetNeeds } from "./tests/needs.ts";

const root = import.meta.dirname;
const unmet = unmetNeeds(join(root, "tests/deep"));
announce(root, unmet);
if (process.getuid?.() !== 0) {
  process.stderr.write("NOT RUN: tests/deep needs root: namespaces, loop devices, tracing\n");
  if (process.env.CI) throw new Error("CI does not run the deep lane as root");
}

export default defineConfig({
  test: {
    include: process.getuid?.() === 0 ? ["tests/deep/**/*.test.ts"] : [],
    exclude: unmet.map(({ file }) => relative(root, file)),
    passWithNoTests: true,
    pool: "forks",
    // One file after the other: they take the machine, and some bounds are bounds of time.
    maxWorkers: 1,
    // Such a bound may be missed once where others use the machine too; missed twice in a row, it is broken.
    retry: 1,
    testTimeout: 180_000,
    hookTimeout: 180_000,
    maxConcurrency: 8,
    expect: { poll: { timeout: 20_000 } },
    reporters: ["verbose"],
  },
});
