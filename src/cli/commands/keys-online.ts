import { join } from "node:path";
import type { Command } from "commander";
import { readConfig } from "../../config/index.ts";
import { createControlClient } from "../../control/index.ts";
import { statusOf, whoAmI } from "../daemon.ts";
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
      const { control, gateway } = await readConfig(path);
      const { chain } = await statusOf(createControlClient(control.socket));
      const certificateFile = join(gateway.data_dir, "identity", "device.crt");
      if (output.asJson) return output.json({ ...chain, certificateFile });
      const { subject, fingerprint, notAfter } = chain.certificate;
      output.table([
        ["epoch key", chain.kid],
        ["since", chain.keySince],
        ["certificate", subject],
        ["fingerprint", fingerprint],
        ["valid until", notAfter],
        ["file", certificateFile],
      ]);
    });
}

function addRotate(keys: Command, output: Output): void {
  keys
    .command("rotate")
    .description("make the running daemon sign with a new key from now on")
    .addOption(configOption())
    .option("--reason <text>", "why, for the chain: a ticket, never a parcel or a person", "")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nThe old key is forgotten. An audit event tells who did it, and an epoch event carries the new key.\n" +
        "\nExamples:\n  sortgate keys rotate\n  sortgate keys rotate --reason TICKET-4711\n",
    )
    .action(async ({ config: path, reason }: { readonly config: string; readonly reason: string }) => {
      const { control } = await readConfig(path);
      const answer = await createControlClient(control.socket).post("/keys/rotate", { ...whoAmI(), reason });
      if (output.asJson) return output.json(answer);
      const { kid, sequence } = answer as { readonly kid: string; readonly sequence: number };
      output.line(`Event ${sequence} begins a new epoch; its key is ${kid}`, "good");
    });
}
