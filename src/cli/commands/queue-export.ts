import { type FileHandle, open, rm } from "node:fs/promises";
import type { Command } from "commander";
import { configFlag } from "../../lib/config-flag.ts";
import { SortgateError, systemCode } from "../../model/error.ts";
import { limits } from "../../model/limits.ts";
import { daemonOf, whoAmI } from "../daemon.ts";
import { cannotMake } from "../new-file.ts";
import type { Output } from "../output.ts";
import { configOption } from "../program.ts";
import { eventsText } from "../quantity.ts";
import { roomOnStdout } from "../stopping.ts";
import { wholeNumber } from "../whole-number.ts";

interface ExportOptions {
  readonly config: string;
  readonly from?: number;
  readonly to?: number;
  readonly reason: string;
  readonly output?: string;
  readonly confirm?: true;
}

const newline = Buffer.from("\n");

/** The path of the page that gives the events of a range away. */
export function eventsPath(purpose: "export" | "verify", fields: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams({ purpose, ...whoAmI() });
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) query.set(name, value);
  return `/queue/events?${query}`;
}

async function createFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, "wx", 0o600);
  } catch (error) {
    throw cannotMake(path, "--output", error);
  }
}

async function exportEvents(options: ExportOptions, output: Output): Promise<void> {
  const daemon = await daemonOf(options.config, output);
  const { reason, from, to, confirm, output: path } = options;
  const file = path === undefined ? undefined : await createFile(path);
  let count = 0;
  try {
    const fields = { reason, from: from?.toString(), to: to?.toString(), confirm: confirm?.toString() };
    const lines = daemon.stream(eventsPath("export", fields), { silenceMaxMs: limits.controlTimeoutMs });
    for await (const line of lines) {
      const bytes = Buffer.concat([line, newline]);
      if (file === undefined) {
        process.stdout.write(bytes);
        await roomOnStdout();
      } else await file.write(bytes);
      count += 1;
    }
    if (count === 0) throw nothingThere(options);
    await file?.sync();
  } catch (error) {
    await file?.close();
    // Half an export must not be taken for a whole one.
    if (path !== undefined) await rm(path, { force: true });
    throw explain(error, path);
  }
  await file?.close();
  output.note(
    `${eventsText(count)}${path === undefined ? "" : ` in ${path}`}; the export stands in the chain as an audit event`,
  );
}

function nothingThere({ config }: ExportOptions): SortgateError {
  return new SortgateError("usage/invalid", "There is no event in that range on disk", {
    hint: `see which there are: sortgate queue stats${configFlag(config)}`,
  });
}

function explain(error: unknown, path: string | undefined): unknown {
  if (error instanceof SortgateError || systemCode(error) === "" || path === undefined) return error;
  return new SortgateError("usage/invalid", `${path} cannot be written (${systemCode(error)})`, {
    hint: "name a file on a file system with more room with --output: df -h",
    cause: error,
  });
}

/** `queue export`: the exact bytes of events, as evidence. */
export function addQueueExport(queue: Command, output: Output): void {
  queue
    .command("export")
    .description("write events exactly as they were signed, one a line")
    .addOption(configOption())
    .option("--from <sequence>", "first event; default: the oldest on disk", wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option("--to <sequence>", "last event; default: the newest", wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .requiredOption("--reason <text>", "why: a ticket, never a parcel or a person")
    .option("--confirm", "export although you were given more numbers today than reveals_max allows")
    .option("-o, --output <file>", "write to a new file that only you may read; default: stdout")
    .addHelpText(
      "after",
      "\nThe events are signed, so they are not masked: waybill numbers are regulated data. Who exported what, when and why\n" +
        "is written into the chain and reaches every broker. Who was given more different numbers in one UTC day than\n" +
        "reveals_max under [control] allows must confirm each further export; the chain tells that too.\n" +
        "\nA part (--from, --to) is for reading: it does not verify by itself, because the key of its epoch and what came\n" +
        "before are not in it. Verify an export of everything, and find the same lines in it.\n" +
        "\nExamples:\n  sortgate queue export --reason TICKET-4711 --output events.jsonl\n" +
        "  sortgate queue export --reason TICKET-4711 | sortgate verify - --trust line-3.crt\n" +
        "  sortgate queue export --from 1200 --to 1300 --reason TICKET-4711 --output part.jsonl\n",
    )
    .action((options: ExportOptions) => exportEvents(options, output));
}
