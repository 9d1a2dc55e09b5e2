import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
const flags =
  "--ignoreConfig --noEmit --strict --exactOptionalPropertyTypes --module nodenext --target es2023 --allowImportingTsExtensions --skipLibCheck --pretty false --types node";

/**
 * Compiles lines of TypeScript behind others.
 *
 * Takes:   `given`, which imports from `src/…` and compiles.
 * Gives:   the places of the lines, counted from 0, that do not compile.
 * Fails:   if anything else does not.
 */
export function offences(given: string, lines: readonly string[]): number[] {
  const dir = mkdtempSync(join(tmpdir(), "sortgate-types-"));
  try {
    const file = join(dir, "case.ts");
    const before = given.replaceAll('from "src/', `from "${root}/src/`);
    writeFileSync(file, `${before}\n${lines.join("\n")}\n`);
    const roots = ["--typeRoots", join(root, "node_modules/@types")];
    const tsc = join(root, "node_modules/.bin/tsc");
    const { stdout } = spawnSync(tsc, [...flags.split(" "), ...roots, file], { cwd: root, encoding: "utf8" });
    const errors = [...stdout.matchAll(/^(\S+?)\((\d+),\d+\): error/gm)];
    const places = new Set(errors.map(([, , line]) => Number(line) - 1 - before.split("\n").length));
    if (errors.some(([, where]) => !where!.endsWith("case.ts")) || [...places].some((place) => place < 0))
      throw new Error(`What is given does not compile: ${stdout}`);
    if (errors.length === 0 && stdout !== "") throw new Error(stdout);
    return [...places];
  } finally {
    rmSync(dir, { recursive: true });
  }
}
