import type { Command } from "commander";
import { configFlag } from "../../lib/config-flag.ts";
import { SortgateError } from "../../model/error.ts";
import { limits } from "../../model/limits.ts";
import { createVerifier, type Verdict, type VerifierSettings } from "../../seal/index.ts";
import { type Daemon, daemonOf } from "../daemon.ts";
import { exitCodes } from "../exit-code.ts";
import type { Output } from "../output.ts";
import { configOption, jsonOption } from "../program.ts";
import { eventsPath } from "./queue-export.ts";
import { readTrusted, tellVerdict, trustOption } from "./verify.ts";

interface VerifyOptions {
  readonly config: string;
  readonly trust?: readonly string[];
}

/** A full ledger may destroy events while they are read; seldom several times in a row. */
const attemptsMax = 5;

/** What is on disk at one time. */
async function judge(daemon: Daemon, trust: VerifierSettings["trust"]): Promise<Verdict> {
  for (let attempt = 1; ; attempt += 1) {
    const verifier = createVerifier({ trust });
    let number = 0;
    try {
      for await (const line of daemon.stream(eventsPath("verify", {}), { silenceMaxMs: limits.controlTimeoutMs })) {
        number += 1;
        const text = line.toString("utf8");
        // Epoch events come before what they tell the key of: nothing is held for one that comes later.
        verifier.learn(text);
        verifier.push(text, number);
      }
      return verifier.finish();
    } catch (error) {
      const isRefused = error instanceof SortgateError && error.code === "control/refused";
      if (!isRefused || attempt === attemptsMax) throw error;
    }
  }
}

async function verifyQueue({ config, trust: trustFiles }: VerifyOptions, output: Output): Promise<void> {
  const trust = await readTrusted(trustFiles);
  const verdict = await judge(await daemonOf(config, output), trust);
  if (verdict.lineCount === 0)
    throw new SortgateError("verify/unreadable", "There is no event on disk", {
      hint: `sortgate queue stats${configFlag(config)}`,
    });
  if (verdict.verdict === "broken") output.exitCode = exitCodes.problem;
  if (output.asJson) output.json(verdict);
  else {
    const command = `sortgate queue verify${configFlag(config)}`;
    tellVerdict(verdict, { command, isTrustGiven: trust !== undefined }, output);
  }
}

/** `queue verify`: judges the chain on disk without showing anything of it. */
export function addQueueVerify(queue: Command, output: Output): void {
  queue
    .command("verify")
    .description("check the signatures and the chain of all events on disk")
    .addOption(configOption())
    .addOption(trustOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nWithout --trust a chain can only be called consistent, not authentic.\n" +
        "\nExamples:\n  sortgate queue verify\n  sortgate queue verify --trust site-ca.pem\n" +
        "  sortgate queue verify --trust line-3-old.crt --trust line-3.crt\n",
    )
    .action((options: VerifyOptions) => verifyQueue(options, output));
}
