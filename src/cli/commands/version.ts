import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { programFolder } from "../../lib/program-folder.ts";
import type { Output } from "../output.ts";
import { jsonOption } from "../program.ts";

/** The version in package.json. */
export function softwareVersion(): string {
  const manifest = JSON.parse(readFileSync(join(programFolder(), "package.json"), "utf8")) as { version: string };
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
