import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { programFolder } from "../../../src/lib/program-folder.ts";

/** The bench uses this as built, from below dist/. */
const root = programFolder();

/** One change to the built program: in `file` below dist/, `from` stands exactly once and becomes `to`. */
export interface Change {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export interface BrokenProgram {
  /** Its entry, to be started instead of the real one. */
  readonly main: string;
  /** Where a file of it lies, by its path below dist/. */
  at(file: string): string;
  remove(): void;
}

/**
 * A copy of the built program with a wrong setting in it.
 *
 * A proof that does not turn red with the fault that it guards against proves nothing: so each runs this copy too.
 *
 * Fails:   if the program no longer holds what was to be changed; the proof must then be thought over.
 */
export function breakProgram(...changes: readonly Change[]): BrokenProgram {
  const folder = mkdtempSync(join(tmpdir(), "sortgate-broken-"));
  cpSync(join(root, "dist"), join(folder, "dist"), { recursive: true });
  cpSync(join(root, "package.json"), join(folder, "package.json"));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  for (const { file, from, to } of changes) {
    const path = join(folder, "dist", file);
    const parts = readFileSync(path, "utf8").split(from);
    if (parts.length !== 2)
      throw new Error(`${file} holds ${JSON.stringify(from)} ${parts.length - 1} times, not once`);
    writeFileSync(path, parts.join(to));
  }
  execFileSync(process.execPath, [join(root, "scripts/bundle.mjs"), folder]);
  return {
    main: join(folder, "dist/sortgate.js"),
    at: (file) => join(folder, "dist", file),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
