import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { assert } from "../../lib/assert.ts";
import type { Output } from "../output.ts";
import { jsonOption } from "../program.ts";

/** The version in package.json, which lies above this file in the source as well as in the build. */
export function softwareVersion(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) {
    assert(dirname(folder) !== folder, "a package.json lies above the program");
    folder = dirname(folder);
  }
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
  return manifest.version;
}

/** `sortgate version`: what runs here. */
export function addVersion(program: Command, output: Output): void {
  program
    .command("version")
    .description("show the version of sortgate and of what it runs on")
    .addOption(jsonOption())
    .addHelpText("after", "\nExamples:\n  sortgate version\n  sortgate version --json\n")
    .action(() => {
      const facts = {
        version: softwareVersion(),
        node: process.versions.node,
        platform: `${process.platform}-${process.arch}`,
      };
      if (output.asJson) output.json(facts);
      else output.line(`sortgate ${facts.version} (Node ${facts.node}, ${facts.platform})`);
    });
}
