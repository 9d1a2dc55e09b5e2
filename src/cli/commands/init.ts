import { stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Command } from "commander";
import { exampleConfig } from "../../config/index.ts";
import { defaultConfigPath } from "../../lib/config-flag.ts";
import { SortgateError, systemCode } from "../../model/error.ts";
import type { Output } from "../output.ts";
import { configOption } from "../program.ts";

interface InitOptions {
  readonly config: string;
  readonly site?: string;
  readonly id?: string;
  readonly force?: true;
}

function checkName(option: string, name: string | undefined): void {
  if (name === undefined || /^[A-Za-z0-9_-]{1,64}$/.test(name)) return;
  throw new SortgateError("usage/invalid", `${option} has to be 1 to 64 letters, digits, - and _`, {
    hint: `sortgate init ${option} ${option === "--site" ? "HZ01" : "line-3"}`,
  });
}

function explainWrite(path: string, error: unknown): SortgateError {
  const code = systemCode(error);
  const explained: Readonly<Record<string, readonly [string, string]>> = {
    EEXIST: ["it exists already", "keep it, or overwrite it with --force"],
    ENOENT: ["its directory does not exist", `make the directory first: sudo mkdir -p ${dirname(path)}`],
    ENOTDIR: ["a part of the path is no directory", "name another file"],
    EISDIR: ["it is a directory", "name a file inside it"],
    EACCES: [
      "this user may not write there",
      "run the command with sudo, or name another file: sortgate init ./sortgate.toml",
    ],
    EROFS: ["the file system is read-only", "name a file on another one"],
    ENOSPC: ["the disk is full", "make room, then run the same command again"],
  };
  const [reason, hint] = explained[code] ?? [`the system says ${code}`, "name another file"];
  return new SortgateError(
    code === "EEXIST" ? "config/exists" : "config/unwritable",
    `Cannot write ${path}: ${reason}`,
    {
      hint,
      cause: error,
    },
  );
}

async function writeExample(path: string, text: string, force: boolean): Promise<void> {
  try {
    // A directory would be told as "exists already", and --force would not help.
    if ((await stat(path).catch(() => undefined))?.isDirectory()) throw Object.assign(new Error(), { code: "EISDIR" });
    await writeFile(path, text, { flag: force ? "w" : "wx", mode: 0o644 });
  } catch (error) {
    throw explainWrite(path, error);
  }
}

async function init(path: string, options: InitOptions, output: Output): Promise<void> {
  checkName("--site", options.site);
  checkName("--id", options.id);
  const { site, id } = options;
  const text = exampleConfig({ ...(site === undefined ? {} : { site }), ...(id === undefined ? {} : { id }) });
  if (path === "-") return output.block(text);
  await writeExample(path, text, options.force === true);
  const flag = path === defaultConfigPath ? "" : ` --config ${path}`;
  if (output.asJson) return output.json({ file: path });
  output.line(`Wrote ${path}`, "good");
  output.line(`Next: name your readers in it (sortgate devices lists the ports), then run: sortgate check${flag}`);
}

/** `sortgate init`: a commented configuration to begin with. */
export function addInit(program: Command, output: Output): void {
  program
    .command("init")
    .description("write a commented config file to begin with")
    .argument("[file]", "where to write it; - for stdout (default: the path of --config)")
    .addOption(configOption())
    .option("--site <name>", "the sorting centre")
    .option("--id <name>", "this gateway, unique within the site")
    .option("--force", "overwrite a file that exists")
    .option("--json", "print JSON for programs")
    .addHelpText(
      "after",
      "\nIt makes no keys and no passwords; the file names others that hold them.\n" +
        "\nExamples:\n  sudo sortgate init --site HZ01 --id line-3\n  sortgate init ./sortgate.toml\n  sortgate init - | less\n",
    )
    .action((file: string | undefined, options: InitOptions) => init(file ?? options.config, options, output));
}
