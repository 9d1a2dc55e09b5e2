import type { Command } from "commander";
import { SortgateError } from "../../model/error.ts";
import { daemonOf } from "../daemon.ts";
import { shownEvent } from "../event-row.ts";
import type { Output } from "../output.ts";
import { configOption, jsonOption } from "../program.ts";
import { shortName } from "../quantity.ts";
import { createStopping, roomOnStdout } from "../stopping.ts";
import { wholeNumber } from "../whole-number.ts";

interface WatchOptions {
  readonly config: string;
  readonly count?: number;
  readonly seconds?: number;
}

/** How many events were left out at this place; 0 for a line that is an event. */
function droppedCount(line: unknown): number {
  const { dropped } = line as { dropped?: unknown };
  return typeof dropped === "number" ? dropped : 0;
}

function tellEvent(event: unknown, output: Output): void {
  if (output.asJson) {
    output.json(event);
    return;
  }
  const { time, kind, subject, device, what } = shownEvent(event);
  // Live events are of now: the day is left out, so that a line fits on a screen.
  const cells = [
    time.replace(/^\S+ /, ""),
    kind.padEnd(10),
    shortName(subject, 14).padEnd(14),
    shortName(device, 14).padEnd(14),
  ];
  output.line(`${cells.join("  ")}  ${what}`.trimEnd());
}

async function watch({ config, count, seconds }: WatchOptions, output: Output): Promise<void> {
  const daemon = await daemonOf(config, output);
  const stopping = createStopping(seconds === undefined ? undefined : seconds * 1_000);
  let shownCount = 0;
  try {
    for await (const bytes of daemon.stream("/watch", { signal: stopping.signal })) {
      const line: unknown = JSON.parse(bytes.toString("utf8"));
      const missed = droppedCount(line);
      if (missed > 0) {
        if (output.asJson) output.json(line);
        else output.note(`${missed} events came too fast to be shown; nothing is lost in the ledger`);
        continue;
      }
      tellEvent(line, output);
      shownCount += 1;
      if (shownCount === count) return;
      await roomOnStdout();
    }
    if (!stopping.signal.aborted)
      throw new SortgateError("control/unreachable", "The daemon has stopped", { hint: "systemctl status sortgate" });
  } finally {
    stopping.release();
  }
}

/** `sortgate watch`: live events of the running daemon. */
export function addWatch(program: Command, output: Output): void {
  program
    .command("watch")
    .description("follow live events of the running daemon, codes masked, until Ctrl-C")
    .addOption(configOption())
    .option("-n, --count <number>", "stop after this many events", wholeNumber(1, 1_000_000_000))
    .option("--seconds <number>", "stop after this time", wholeNumber(1, 86_400))
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nShows what is on disk already, so a line means that the event is safe. A slow terminal misses lines, never the ledger.\n" +
        "\nExamples:\n  sortgate watch\n  sortgate watch --seconds 60 --json | jq -r .data.device\n  sortgate watch --count 1\n",
    )
    .action((options: WatchOptions) => watch(options, output));
}
