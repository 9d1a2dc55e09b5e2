import { createInterface } from "node:readline";
import type { Command } from "commander";
import { type Erasure, noSubject, problemIn, subjectOf } from "../../control/index.ts";
import { configFlag } from "../../lib/config-flag.ts";
import { SortgateError } from "../../model/error.ts";
import { limits } from "../../model/limits.ts";
import { type Daemon, daemonOf, whoAmI } from "../daemon.ts";
import { exitCodes } from "../exit-code.ts";
import type { Output } from "../output.ts";
import { configOption, jsonOption } from "../program.ts";
import { countText, eventsText } from "../quantity.ts";

interface EraseOptions {
  readonly config: string;
  readonly reason: string;
}

/** One token or number to erase, and the line of stdin that it came in; undefined for one on the command line. */
interface Given {
  readonly text: string;
  readonly line?: number;
}

/** Each is a search of its own through the ledger. */
const linesMax = 100;

/** What `-` stands for: the lines of stdin, so that a number stands in no list of processes and in no history. */
async function given(subject: string, output: Output): Promise<readonly Given[]> {
  if (subject !== "-") return [{ text: subject }];
  if (process.stdin.isTTY) output.note("One token or number a line; Ctrl-D ends it.");
  const all = new Map<string, Given>();
  let line = 0;
  for await (const read of createInterface({ input: process.stdin })) {
    line += 1;
    const text = read.trim();
    if (text !== "" && !all.has(text)) all.set(text, { text, line });
    if (all.size > linesMax)
      throw new SortgateError(
        "usage/invalid",
        `There are more than ${linesMax} tokens and numbers on stdin; nothing was erased`,
        { hint: `give them ${linesMax} at a time, or have the centre order it: docs/privacy.md` },
      );
  }
  if (all.size === 0)
    throw new SortgateError("usage/invalid", "There is no token and no number on stdin; nothing was erased", {
      hint: "sortgate erase - --reason TICKET-4711 < FILE, with one a line (a telephone with its extension as 13712340002-1234); without < FILE type them, and end with Ctrl-D",
    });
  return all.size === 1 ? [...all.values()] : [...all.values()].map(proven);
}

/** Of several, none goes before all of them can be searched for. */
function proven(one: Given): Given {
  if (subjectOf(one.text) !== undefined) return one;
  const { sentence, hint } = noSubject(one.text);
  const rest = `${sentence.charAt(0).toLowerCase()}${sentence.slice(1)}`;
  throw new SortgateError("usage/invalid", `Line ${one.line} of stdin: ${rest}; nothing was erased`, { hint });
}

async function eraseOne(daemon: Daemon, subject: string, reason: string): Promise<Erasure> {
  const body = { subject, ...whoAmI(), reason };
  let erasure: Erasure | undefined;
  for await (const line of daemon.stream("/erase", { body, silenceMaxMs: limits.controlTimeoutMs })) {
    const answer = JSON.parse(line.toString("utf8")) as Erasure;
    const problem = problemIn(answer);
    if (problem !== undefined) throw problem;
    erasure = answer;
  }
  if (erasure !== undefined) return erasure;
  throw new SortgateError("control/unreachable", "The daemon ended before it had looked through its ledger", {
    hint: "the same command again, once it runs: what was erased stays so",
  });
}

/** Says up to which line it is done, where it is not done for all. */
function brokenOff(error: unknown, done: readonly Given[]): unknown {
  const line = done.at(-1)?.line;
  if (line === undefined || !(error instanceof SortgateError)) return error;
  const { code, message, hint } = error;
  return new SortgateError(code, `${message}; up to line ${line} of stdin it is done`, { hint, cause: error });
}

async function erase(subject: string, { config, reason }: EraseOptions, output: Output): Promise<void> {
  const all = await given(subject, output);
  const daemon = await daemonOf(config, output);
  for (const [index, { text, line }] of all.entries()) {
    const erasure = await eraseOne(daemon, text, reason).catch((error: unknown) => {
      throw brokenOff(error, all.slice(0, index));
    });
    if (erasure.count + erasure.salvagedCount === 0 || erasure.unreadableCount > 0) output.exitCode = exitCodes.problem;
    if (output.asJson) output.json(all.length === 1 ? erasure : { line, ...erasure });
    else tell(erasure, all.length === 1 ? undefined : line, config, output);
  }
  if (!output.asJson) remark(all, output);
}

function tell(
  { count, salvagedCount, to, unreadableCount, files, isOverwritten }: Erasure,
  line: number | undefined,
  config: string,
  output: Output,
): void {
  if (line !== undefined) output.line(`Line ${line}:`, "strong");
  if (count + salvagedCount === 0)
    output.line(`Nothing found: no event up to ${countText(to)} bears this token or number`, "warn");
  else output.line(`Erased ${eventsText(count)} of those up to ${countText(to)}`, "good");
  if (salvagedCount > 0)
    output.line(`Erased ${eventsText(salvagedCount)} that were saved from a damaged ledger`, "good");
  if (unreadableCount > 0)
    output.line(
      `${eventsText(unreadableCount)} cannot be read, and may be of the same person. Try: sortgate queue verify${configFlag(config)} names them`,
      "bad",
    );
  for (const file of files)
    output.line(
      `${file} beside the ledger is damaged, and nothing is erased from it. Try: shred -u it once nobody needs it for an audit`,
      "warn",
    );
  if (!isOverwritten)
    output.line("The write-ahead log still holds what was erased; it is overwritten within minutes", "warn");
  if (count > 0)
    output.note(
      "A purge event in the chain names their sequences. What brokers and exports have is theirs to erase; what was read just now may still come",
    );
}

/** What a number does not reach. */
function remark(all: readonly Given[], output: Output): void {
  if (all.every(({ text }) => /^t\d\./.test(text))) return;
  output.note(
    "Of a number the tokens of today and yesterday are looked for too, as whatever it stood on a label, since the last start. Those of days before, and of names, stand in exports: erase them one by one. Masks and sealed blobs are found by their event's token, or its number, alone: open an export to find it",
  );
}

/** `sortgate erase`: takes what belongs to one person out of the ledger of the running daemon. */
export function addErase(program: Command, output: Output): void {
  program
    .command("erase")
    .description("erase all events that bear a token, or a number in clear, from the ledger")
    .argument(
      "<token>",
      "a token as in data.token or data.tokens, a number as in data.code, or a telephone, number, mail address or birth of somebody; -: those on stdin, one a line",
    )
    .addOption(configOption())
    .requiredOption("--reason <text>", "why: a ticket, never a parcel or a person")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nAll events of the same passes go with them, also those that a broker has not got yet. Their hashes stay, so that\n" +
        "the chain can be verified; a signed purge event says which they were, and an audit event who asked and why.\n" +
        "A number on the command line stands in the list of processes and in the shell's history: give - and write it on stdin.\n" +
        `Of several lines, up to ${linesMax}, each is erased by itself; --json then writes one object a line. Nothing goes before all are read.\n` +
        "\nExit codes:\n  0  erased\n  1  nothing was found, or some events cannot be read\n  3  the daemon cannot be reached\n" +
        "\nExamples:\n  sortgate erase t1.J8sQ0aZk.xYp0Jx4m2n8rT1vQ5kWb9A --reason TICKET-4711\n" +
        "  sortgate erase t1.J8sQ0aZk.xYp0Jx4m2n8rT1vQ5kWb9A --reason TICKET-4711 --json\n",
    )
    .action((token: string, options: EraseOptions) => erase(token, options, output));
}
