import { createInterface } from "node:readline";
import type { Command } from "commander";
import { type Erasure, problemIn } from "../../control/index.ts";
import { SortgateError } from "../../model/error.ts";
import { limits } from "../../model/limits.ts";
import { daemonOf, whoAmI } from "../daemon.ts";
import { exitCodes } from "../exit-code.ts";
import type { Output } from "../output.ts";
import { configOption, jsonOption } from "../program.ts";
import { countText } from "../quantity.ts";

interface EraseOptions {
  readonly config: string;
  readonly reason: string;
}

/** What `-` stands for: the first line of stdin, so that a number stands in no list of processes and in no history. */
async function given(subject: string): Promise<string> {
  if (subject !== "-") return subject;
  for await (const line of createInterface({ input: process.stdin })) return line.trim();
  return "";
}

async function erase(subject: string, { config, reason }: EraseOptions, output: Output): Promise<void> {
  const daemon = await daemonOf(config, output);
  const body = { subject: await given(subject), ...whoAmI(), reason };
  let erasure: Erasure | undefined;
  for await (const line of daemon.stream("/erase", { body, silenceMaxMs: limits.controlTimeoutMs })) {
    const answer = JSON.parse(line.toString("utf8")) as Erasure;
    const problem = problemIn(answer);
    if (problem !== undefined) throw problem;
    erasure = answer;
  }
  if (erasure === undefined)
    throw new SortgateError("control/unreachable", "The daemon ended before it had looked through its ledger", {
      hint: "the same command again, once it runs: what was erased stays so",
    });
  if (erasure.count + erasure.salvagedCount === 0 || erasure.unreadableCount > 0) output.exitCode = exitCodes.problem;
  if (output.asJson) output.json(erasure);
  else tell(erasure, !/^t\d\./.test(subject), output);
}

const events = (count: number): string => (count === 1 ? "1 event" : `${countText(count)} events`);

function tell(
  { count, salvagedCount, to, unreadableCount, files, isOverwritten }: Erasure,
  isNumber: boolean,
  output: Output,
): void {
  if (count + salvagedCount === 0)
    output.line(`Nothing found: no event up to ${countText(to)} bears this token or number`, "warn");
  else output.line(`Erased ${events(count)} of those up to ${countText(to)}`, "good");
  if (salvagedCount > 0) output.line(`Erased ${events(salvagedCount)} that were saved from a damaged ledger`, "good");
  if (unreadableCount > 0)
    output.line(
      `${events(unreadableCount)} cannot be read, and may be of the same person. Try: sortgate queue verify names them`,
      "bad",
    );
  for (const file of files)
    output.line(
      `${file} beside the ledger is damaged, and nothing is erased from it. Try: shred -u it once nobody needs it for an audit`,
      "warn",
    );
  if (isNumber)
    output.note(
      "Of a number the tokens of today and yesterday are looked for too, since the last start. Those of days before stand in exports: erase them one by one. Masks and sealed blobs are found by their event's token",
    );
  if (!isOverwritten)
    output.line("The write-ahead log still holds what was erased; it is overwritten within minutes", "warn");
  if (count > 0)
    output.note(
      "A purge event in the chain names their sequences. What brokers and exports have is theirs to erase; what was read just now may still come",
    );
}

/** `sortgate erase`: takes what belongs to one person out of the ledger of the running daemon. */
export function addErase(program: Command, output: Output): void {
  program
    .command("erase")
    .description("erase all events that bear a token, or a number in clear, from the ledger")
    .argument(
      "<token>",
      "a token as in data.token or data.tokens, or a number as in data.code; -: the first line of stdin",
    )
    .addOption(configOption())
    .requiredOption("--reason <text>", "why: a ticket, never a parcel or a person")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nAll events of the same passes go with them, also those that a broker has not got yet. Their hashes stay, so that\n" +
        "the chain can be verified; a signed purge event says which they were, and an audit event who asked and why.\n" +
        "A number on the command line stands in the list of processes and in the shell's history: give - and write it on stdin.\n" +
        "\nExit codes:\n  0  erased\n  1  nothing was found, or some events cannot be read\n  3  the daemon cannot be reached\n" +
        "\nExamples:\n  sortgate erase t1.J8sQ0aZk.xYp0Jx4m2n8rT1vQ5kWb9A --reason TICKET-4711\n" +
        "  sortgate erase t1.J8sQ0aZk.xYp0Jx4m2n8rT1vQ5kWb9A --reason TICKET-4711 --json\n",
    )
    .action((token: string, options: EraseOptions) => erase(token, options, output));
}
