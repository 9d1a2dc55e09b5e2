import type { Command } from "commander";
import type { BrokerStatus, RefusedStatus, Status } from "../../control/index.ts";
import { limits } from "../../model/limits.ts";
import { daemonOf } from "../daemon.ts";
import { shownEvent } from "../event-row.ts";
import type { Output } from "../output.ts";
import { configOption, jsonOption } from "../program.ts";
import { countText } from "../quantity.ts";
import { wholeNumber } from "../whole-number.ts";
import { addQueueExport } from "./queue-export.ts";
import { addQueueReplay } from "./queue-replay.ts";
import { addQueueVerify } from "./queue-verify.ts";
import { naming, tellBrokers, tellQueue } from "./status.ts";

/** `sortgate queue`: the ledger of the running daemon. */
export function addQueue(program: Command, output: Output): void {
  const queue = program
    .command("queue")
    .description("look into the ledger of the running daemon, which is also its outage queue")
    .addHelpText(
      "after",
      "\nExamples:\n  sortgate queue stats\n  sortgate queue peek --limit 5\n  sortgate queue verify\n",
    );
  addStats(queue, output);
  addPeek(queue, output);
  addQueueExport(queue, output);
  addQueueReplay(queue, output);
  addQueueVerify(queue, output);
}

function addStats(queue: Command, output: Output): void {
  queue
    .command("stats")
    .description("show how much is on disk and what each broker still lacks")
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExamples:\n  sortgate queue stats\n  sortgate queue stats --json | jq '.brokers[].queuedCount'\n",
    )
    .action(async ({ config }: { readonly config: string }) => {
      const stats = await (await daemonOf(config, output)).get("/queue/stats");
      if (output.asJson) return output.json(stats);
      const shown = stats as Pick<Status, "queue" | "brokers"> & { readonly refused: RefusedLists };
      const named = naming(config, output);
      tellQueue(shown.queue, shown.brokers, named);
      output.line();
      tellBrokers(shown.brokers, named);
      tellRefused(shown.brokers, shown.refused, output);
    });
}

type RefusedLists = Readonly<Record<string, readonly RefusedStatus[]>>;

/** Events set aside that are shown one by one; `--json` gives all that are listed. */
const refusedShownMax = 10;

function tellRefused(brokers: readonly BrokerStatus[], lists: RefusedLists, output: Output): void {
  for (const { name, refusedCount, lastRefused } of brokers) {
    if (refusedCount === 0) continue;
    output.line();
    output.line(
      `${name} will never take ${refusedCount === 1 ? "one event, which stays" : `${countText(refusedCount)} events, which stay`} in the ledger. The last reason: ${lastRefused?.reason ?? "unknown"}`,
      "bad",
    );
    const rows = (lists[name] ?? []).slice(0, refusedShownMax);
    output.table(
      rows.map(({ sequence, at, reason }) => [String(sequence), at, reason]),
      ["sequence", "set aside at", "reason"],
    );
  }
}

interface PeekOptions {
  readonly config: string;
  readonly from?: number;
  readonly limit: number;
}

interface Peeked {
  readonly first: number;
  readonly last: number;
  readonly events: readonly unknown[];
}

function addPeek(queue: Command, output: Output): void {
  queue
    .command("peek")
    .description("show events on disk, codes masked; without --from the newest")
    .addOption(configOption())
    .option("--from <sequence>", "begin with this event", wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option("--limit <number>", "show at most this many", wholeNumber(1, limits.peekEventsMax), 20)
    .addOption(jsonOption())
    .addHelpText("after", "\nExamples:\n  sortgate queue peek\n  sortgate queue peek --from 12345 --limit 3\n")
    .action(async ({ config, from, limit }: PeekOptions) => {
      const start = from === undefined ? "" : `from=${from}&`;
      const peeked = (await (await daemonOf(config, output)).get(`/queue/peek?${start}limit=${limit}`)) as Peeked;
      if (output.asJson) return output.json(peeked);
      const { first, last, events } = peeked;
      if (events.length === 0)
        return output.line(
          last < first || last === 0 ? "There is no event yet" : `There are events ${first} to ${last} only`,
        );
      output.table(
        events
          .map(shownEvent)
          .map(({ sequence, time, kind, subject, device, what }) => [sequence, time, kind, subject, device, what]),
        ["sequence", "time", "kind", "subject", "device", "what"],
      );
    });
}
