import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { assert } from "./assert.ts";

/** The folder of the program: its package.json lies above this file in the source as well as in the build. */
export function programFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) {
    assert(dirname(folder) !== folder, "a package.json lies above the program");
    folder = dirname(folder);
  }
  return folder;
}
