import type { Command } from "commander";
import { configFlag } from "../../lib/config-flag.ts";
import { daemonOf, whoAmI } from "../daemon.ts";
import type { Output } from "../output.ts";
import { configOption, jsonOption } from "../program.ts";
import { eventsText } from "../quantity.ts";
import { wholeNumber } from "../whole-number.ts";

interface ReplayOptions {
  readonly config: string;
  readonly from: number;
  readonly to: number;
  readonly broker: string;
  readonly reason: string;
}

async function replay({ config, from, to, broker, reason }: ReplayOptions, output: Output): Promise<void> {
  const daemon = await daemonOf(config, output);
  const asked = { broker, from: String(from), to: String(to), ...whoAmI(), reason };
  const answer = (await daemon.post("/queue/replay", asked)) as { readonly count: number };
  if (output.asJson) return output.json(answer);
  output.line(
    `${eventsText(answer.count)} ${answer.count === 1 ? "goes" : "go"} to ${broker} again, behind new ones`,
    "good",
  );
  const stats = `sortgate queue stats${configFlag(config)}`;
  output.note(`${stats} shows how many are left; the replay stands in the chain as an audit event`);
}

/** `queue replay`: sends events again that a broker acknowledged and does not have any more. */
export function addQueueReplay(queue: Command, output: Output): void {
  const sequence = wholeNumber(1, Number.MAX_SAFE_INTEGER);
  queue
    .command("replay")
    .description("send events again, byte by byte the same, to a broker that lost them")
    .addOption(configOption())
    .requiredOption("--from <sequence>", "first event", sequence)
    .requiredOption("--to <sequence>", "last event", sequence)
    .requiredOption("--broker <name>", "the broker, as the config names it")
    .requiredOption("--reason <text>", "why: a ticket, never a parcel or a person")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nNew events go first. Who replayed what, when and why is written into the chain. What retain_days has destroyed\n" +
        "cannot be sent again.\n" +
        "\nExamples:\n  sortgate queue replay --from 1200 --to 1300 --broker central --reason TICKET-4711\n" +
        "  sortgate queue stats\n",
    )
    .action((options: ReplayOptions) => replay(options, output));
}
