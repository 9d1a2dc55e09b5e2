import type { Command } from "commander";
import type { Gateway } from "../../gateway.ts";
import { headStart } from "../../head-start.ts";
import { SortgateError } from "../../model/error.ts";
import { limits } from "../../model/limits.ts";
import { exitCodeOf, exitCodes } from "../exit-code.ts";
import type { Output } from "../output.ts";
import { configOption } from "../program.ts";
import { softwareVersion } from "./version.ts";

/**
 * Resolves at the first signal that asks to stop; a second one ends the process at once.
 *
 * From the first on the clock runs: whatever hangs, the process is gone when the stop budget is spent.
 */
function stopSignal(output: Output): Promise<undefined> {
  return new Promise((resolve) => {
    let isAsked = false;
    const onSignal = (): void => {
      if (isAsked) process.exit(exitCodes.problem);
      isAsked = true;
      setTimeout(() => {
        output.problem(tooSlow);
        process.exit(exitCodes.problem);
      }, limits.stopBudgetMs).unref();
      resolve(undefined);
    };
    // A terminal that is closed, and a habit of asking daemons to read their files again: both end cleanly.
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, onSignal);
  });
}

const tooSlow = new SortgateError(
  "control/refused",
  `sortgate did not stop within ${limits.stopBudgetMs / 1_000} s and ended itself; what was accepted is on disk`,
  { hint: "start it again, and look in its log for what did not answer" },
);

async function open(configPath: string): Promise<Gateway> {
  const start = await headStart(configPath, softwareVersion());
  const { openGateway } = await import("../../gateway.ts");
  return openGateway(start, softwareVersion());
}

async function run(configPath: string, output: Output): Promise<void> {
  // Whatever the daemon writes is for itself and its group alone.
  process.umask(0o077);
  const asked = stopSignal(output);
  const gateway = await open(configPath).catch((error: unknown) => {
    // Threads that were started by then would keep a daemon alive that does nothing.
    output.problem(error);
    process.exit(exitCodeOf(error));
  });
  const failure: SortgateError | undefined = await Promise.race([asked, gateway.failed]);
  if (failure !== undefined) {
    // After a storage error nothing in memory is to be trusted: a new process looks at the disk afresh.
    output.problem(failure);
    process.exit(exitCodes.storage);
  }
  try {
    await gateway.stop();
    process.exit(exitCodes.fine);
  } catch (error) {
    output.problem(error);
    process.exit(exitCodeOf(error));
  }
}

/** `sortgate run`: the daemon. */
export function addRun(program: Command, output: Output): void {
  program
    .command("run")
    .description("run the gateway until it is told to stop (SIGTERM or Ctrl-C); logs JSON lines to stdout")
    .addOption(configOption())
    .addHelpText(
      "after",
      "\nExit codes:\n  0   told to stop, and stopped\n  1   could not start\n  74  the ledger's storage failed; start again\n\nExamples:\n  sortgate run --config ./sortgate.toml\n  systemctl start sortgate\n",
    )
    .action((options: { config: string }) => run(options.config, output));
}
