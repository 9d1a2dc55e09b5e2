import { dirname } from "node:path";
import type { Command } from "commander";
import type { CertificateFacts, Status } from "../../control/index.ts";
import { daemonOf, statusOf, whoAmI } from "../daemon.ts";
import { certificateFaults, tellFaults } from "../faults.ts";
import type { Output } from "../output.ts";
import { configOption, jsonOption } from "../program.ts";

/** `keys show` and `keys rotate`: the part of `sortgate keys` that asks the running daemon. */
export function addKeysOnline(keys: Command, output: Output): void {
  addShow(keys, output);
  addRotate(keys, output);
}

function addShow(keys: Command, output: Output): void {
  keys
    .command("show")
    .description("show the epoch key in use and the device's certificate, as the running daemon has them")
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nGive the certificate file to those who verify: sortgate verify EVENTS --trust FILE\n" +
        "\nExamples:\n  sortgate keys show\n  sortgate keys show --json\n",
    )
    .action(async ({ config: path }: { readonly config: string }) => {
      const { chain } = await statusOf(await daemonOf(path, output));
      if (output.asJson) return output.json({ ...chain, certificateFile: chain.certificate.file });
      tellKeys(chain, output);
      tellFaults(certificateFaults(chain), output);
    });
}

function factsOf({ subject, fingerprint, notAfter }: CertificateFacts): [string, string][] {
  return [
    ["certificate", subject],
    ["fingerprint", fingerprint],
    ["valid until", notAfter],
  ];
}

/** After `keys import` the file holds another certificate than the daemon has: each is told with what it is. */
function tellKeys({ kid, keySince, keyStorage, certificate }: Status["chain"], output: Output): void {
  // A daemon of an older version does not name the file.
  const { onDisk, file = "unknown" } = certificate;
  const epoch = [
    ["epoch key", kid ?? "none yet: the ledger has no room for the event that tells it"],
    ["since", keySince ?? "-"],
    // Only a daemon of an older version does not say it, and it knew no other place either.
    ["device key", `${keyStorage ?? "software"}: a file of this box; no TPM holds it`],
  ];
  if (onDisk === undefined || onDisk.fingerprint === certificate.fingerprint) {
    output.table([...epoch, ...factsOf(certificate), ["file", file]]);
    if (onDisk === undefined)
      output.line("What lies in that file now cannot be told: the daemon cannot read it.", "warn");
    return;
  }
  output.line("In use now", "strong");
  output.table([...epoch, ...factsOf(certificate), ["file", `kept as device-*.crt in ${dirname(file)}`]]);
  output.line();
  output.line("In use after the restart", "strong");
  output.table([...factsOf(onDisk), ["file", file]]);
  output.line();
  output.line("Try: systemctl restart sortgate, to endorse with the new certificate");
  output.line("Keep the old one: events from before the restart are verified with it (--trust OLD --trust NEW)");
}

function addRotate(keys: Command, output: Output): void {
  keys
    .command("rotate")
    .description("make the running daemon sign with a new key from now on")
    .addOption(configOption())
    .option("--reason <text>", "why, for the chain: a ticket, never a parcel or a person")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nThe old key is forgotten. An audit event tells who did it, and an epoch event carries the new key.\n" +
        "\nExamples:\n  sortgate keys rotate\n  sortgate keys rotate --reason TICKET-4711\n",
    )
    .action(async ({ config: path, reason = "" }: { readonly config: string; readonly reason?: string }) => {
      const daemon = await daemonOf(path, output);
      const answer = await daemon.post("/keys/rotate", { ...whoAmI(), reason });
      if (output.asJson) return output.json(answer);
      const { kid, sequence } = answer as { readonly kid: string; readonly sequence: number };
      output.line(`Event ${sequence} begins a new epoch; its key is ${kid}`, "good");
    });
}
