import { type Command, CommanderError } from "commander";
import { SortgateError, systemCode } from "../model/error.ts";
import { type AddCommand, commands } from "./commands/index.ts";
import { type ExitCode, exitCodeOf, exitCodes } from "./exit-code.ts";
import { keepMemory } from "./memory.ts";
import { createOutput, type Output, type TextStream } from "./output.ts";
import { createProgram, explainUsage } from "./program.ts";

export interface Streams {
  readonly stdout: TextStream;
  readonly stderr: TextStream;
}

/** The command that the arguments ask for, if it is one of ours. */
function commandOf(argv: readonly string[]): string | undefined {
  const first = argv[0];
  return first !== undefined && Object.hasOwn(commands, first) ? first : undefined;
}

function isJson(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return (end === -1 ? argv : argv.slice(0, end)).includes("--json");
}

/** Loads the one command that is asked for, or all of them, so that help and suggestions know every name. */
function loadCommands(command: string | undefined): Promise<AddCommand[]> {
  const loaders = command === undefined ? Object.values(commands) : [commands[command]];
  return Promise.all(loaders.flatMap((load) => (load === undefined ? [] : [load()])));
}

/** `help COMMAND` as the command's own --help, which alone knows the commands below it, and those that there are not. */
function withoutHelpCommand(argv: readonly string[]): readonly string[] {
  const [first, command = "", ...more] = argv;
  if (first !== "help" || command === "" || command.startsWith("-")) return argv;
  if (command === "help") return [command];
  return Object.hasOwn(commands, command) ? [command, ...more, "--help"] : [command];
}

/** The command of the arguments, and the one below it if there is one of that name. */
function commandsOf(program: Command, [first, second]: readonly string[]): readonly Command[] {
  const command = program.commands.find((one) => one.name() === first);
  const below = command?.commands.find((one) => one.name() === second);
  return [command, below].filter((one) => one !== undefined);
}

/** Without `--help` behind a command that a group does not have: commander shows the group's help, and calls that well. */
function withoutLostHelp(program: Command, argv: readonly string[]): readonly string[] {
  const [group, below] = commandsOf(program, argv);
  const [first = "", second = ""] = argv;
  const isLost = group !== undefined && group.commands.length > 0 && below === undefined;
  return isLost && second !== "help" && /^[^-]/.test(second) ? [first, second] : argv;
}

/** An option that is missing may only be mistyped: commander looks for those that are unknown afterwards. */
async function likelierError(
  error: CommanderError,
  program: Command,
  argv: readonly string[],
): Promise<CommanderError> {
  const command = commandsOf(program, argv).at(-1);
  if (error.code !== "commander.missingMandatoryOptionValue" || command === undefined) return error;
  for (const option of command.options) option.makeOptionMandatory(false);
  command.action(() => {});
  const other: unknown = await program.parseAsync([...argv], { from: "user" }).catch((second: unknown) => second);
  return other instanceof CommanderError && other.code === "commander.unknownOption" ? other : error;
}

async function run(typed: readonly string[], output: Output): Promise<ExitCode> {
  let argv = withoutHelpCommand(typed);
  const program = createProgram(output);
  try {
    for (const add of await loadCommands(commandOf(argv))) add(program, output);
    argv = withoutLostHelp(program, argv);
    await program.parseAsync([...argv], { from: "user" });
    return output.exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) {
      output.problem(error);
      return exitCodeOf(error);
    }
    const path = commandsOf(program, argv).map((command) => command.name());
    const likelier = await likelierError(error, program, argv);
    const usage = explainUsage(likelier, path.length === 0 ? commandOf(argv) : path.join(" "));
    if (usage === undefined) return exitCodes.fine;
    output.problem(usage);
    return exitCodes.usage;
  }
}

/**
 * Runs one command.
 *
 * Takes:  the arguments behind the program's name.
 * Gives:  the exit code; everything is told by then.
 * Fails:  never; an error is told on stderr.
 */
export function runCli(argv: readonly string[], streams: Streams): Promise<ExitCode> {
  return run(argv, createOutput({ ...streams, json: isJson(argv) }));
}

function unwritable(code: string): SortgateError {
  const reason = code === "ENOSPC" ? "no space is left there" : code || "unknown reason";
  return new SortgateError("output/unwritable", `The output cannot be written: ${reason}`, {
    hint: "free the disk that the output goes to (df -h), or send it elsewhere",
  });
}

/** Runs one command as this process: its arguments, its streams, its exit code. */
export async function main(): Promise<void> {
  const argv = process.argv.slice(2);
  const output = createOutput({ stdout: process.stdout, stderr: process.stderr, json: isJson(argv) });
  if (!keepMemory() && argv[0] === "run")
    output.note("Warning: /proc/self/coredump_filter cannot be written: a crash may leave a dump. Try: ulimit -c 0");
  process.stdout.on("error", (error) => {
    // The reader of our output has gone (`sortgate watch | head`): nothing is left to do, and nothing is wrong.
    const code = systemCode(error);
    if (code !== "EPIPE") output.problem(unwritable(code));
    process.exit(code === "EPIPE" ? undefined : exitCodes.problem);
  });
  process.on("uncaughtException", (error) => {
    // A daemon has a listener of its own, which knows what to close first.
    if (process.listenerCount("uncaughtException") > 1) return;
    output.problem(error);
    process.exit(exitCodeOf(error));
  });
  const code = await run(argv, output);
  if (code !== exitCodes.fine) process.exitCode = code;
}
