import { accessSync, constants, readdirSync, readFileSync } from "node:fs";
import { delimiter, dirname, join, normalize, relative } from "node:path";

/** A test file that cannot run on this machine, and the programs that it lacks. */
export interface Unmet {
  readonly file: string;
  readonly programs: readonly string[];
}

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((dir) => {
    try {
      accessSync(join(dir, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Programs that a file starts by name, itself or through the test files that it imports. */
function programsOf(path: string, seen: Set<string>): string[] {
  if (seen.has(path)) return [];
  seen.add(path);
  const text = readFileSync(path, "utf8");
  const started = [...text.matchAll(/\b(?:spawn|execFile|runInside)(?:Sync)?\(\s*"([\w.-]+)"/g)].map(
    (match) => match[1]!,
  );
  const imported = [...text.matchAll(/ from "(\.[^"]+\.ts)"/g)]
    .map((match) => normalize(join(dirname(path), match[1]!)))
    .filter((target) => target.includes("/tests/"));
  return [...started, ...imported.flatMap((target) => programsOf(target, seen))];
}

/** Says aloud what is not run here, so that a machine without some program still runs all others. CI must have them all. */
export function announce(root: string, unmet: readonly Unmet[]): void {
  for (const { file, programs } of unmet)
    process.stderr.write(`NOT RUN: ${relative(root, file)} needs ${programs.join(", ")}\n`);
  if (unmet.length === 0) return;
  const programs = [...new Set(unmet.flatMap((need) => need.programs))].join(", ");
  process.stderr.write(`NOT RUN: ${unmet.length} test files. Try: install ${programs}\n`);
  if (process.env.CI) throw new Error(`CI lacks ${programs}`);
}

/** Test files below `folder`, but not below `apart` in it, that need a program which is not on this machine. */
export function unmetNeeds(folder: string, apart?: string): Unmet[] {
  const present = new Map<string, boolean>();
  const has = (program: string): boolean => {
    const known = present.get(program) ?? isInstalled(program);
    present.set(program, known);
    return known;
  };
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".test.ts") && (apart === undefined || !path.startsWith(apart)))
    .map((path) => join(folder, path))
    .map((file) => ({ file, programs: [...new Set(programsOf(file, new Set()))].filter((program) => !has(program)) }))
    .filter(({ programs }) => programs.length > 0);
}
