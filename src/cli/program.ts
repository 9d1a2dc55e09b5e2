import { Command, type CommanderError, Option } from "commander";
import { defaultConfigPath } from "../lib/config-flag.ts";
import { nearest } from "../lib/nearest.ts";
import { SortgateError } from "../model/error.ts";
import type { Output } from "./output.ts";

/** `--config FILE`, alike in every command that has it. */
export function configOption(): Option {
  return new Option("-c, --config <file>", "config file").default(defaultConfigPath);
}

/** `--json`, alike in every command that has it. */
export function jsonOption(): Option {
  return new Option("--json", "print JSON for programs");
}

/** The program without its commands. Nothing in it ends the process: wrong usage is thrown as `CommanderError`. */
export function createProgram(output: Output): Command {
  return new Command()
    .name("sortgate")
    .description("Edge gateway of a parcel sorting centre: from readers on the line to signed events at a broker.")
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureOutput({
      writeOut: (text) => output.block(text),
      writeErr: (text) => {
        for (const line of text.trimEnd().split("\n")) output.note(line);
      },
      // Told by the caller, in the form of every other error.
      outputError: () => {},
    })
    .helpCommand("help [command]", "show the help of a command")
    .addHelpText("after", "\nExamples:\n  sortgate init\n  sortgate check\n  sortgate help check\n");
}

/** What was probably meant; of options only what is much alike, for commander takes `--json` for `--reason`. */
function guessOf(error: string, suggestion: string): string | undefined {
  const guess = /\(Did you mean (?:one of )?(.+)\?\)/.exec(suggestion)?.[1];
  const option = /^unknown option '([^'=]*)/.exec(error)?.[1];
  return guess === undefined || option === undefined ? guess : nearest(option, guess.split(", "));
}

/**
 * What a person needs to know of commander's own error; nothing if it was no error but a help that was shown.
 *
 * Takes:  `command`, the command that was asked for with the one below it, such as `queue export`.
 */
export function explainUsage(error: CommanderError, command: string | undefined): SortgateError | undefined {
  if (error.exitCode === 0) return undefined;
  const usage = command === undefined ? "sortgate help" : `sortgate help ${command}`;
  if (error.code === "commander.help" || error.code === "commander.helpDisplayed")
    return new SortgateError("usage/invalid", `A command is missing after sortgate${command ? ` ${command}` : ""}`, {
      hint: usage,
    });
  if (/^error: unknown option '(--version|-V)'/.test(error.message))
    return new SortgateError("usage/invalid", "The version is a command of its own", { hint: "sortgate version" });
  const [first = "", ...rest] = error.message.replace(/^error: /, "").split("\n");
  // The value of an option is not repeated: somebody may have put a waybill or a telephone number there.
  const shown = first
    .replace(/ argument '.*' is invalid\. /, " cannot take this value. ")
    .replace(/^(unknown option '[^'=]*)=.*'/, "$1'");
  const sentence = shown.charAt(0).toUpperCase() + shown.slice(1).replace(/\.$/, "");
  const guess = guessOf(first, rest.join(" "));
  const group = command === undefined ? "sortgate" : `sortgate ${command}`;
  const meant =
    error.code === "commander.unknownCommand" ? guess?.replaceAll(/[\w-]+/g, (name) => `${group} ${name}`) : guess;
  return new SortgateError("usage/invalid", sentence, { hint: guess === undefined ? usage : `${meant}, or: ${usage}` });
}
