import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { readConfig } from "../../config/index.ts";
import { type IdentitySettings, importCertificates, requestForAuthority } from "../../identity/index.ts";
import { createSystemClock } from "../../lib/clock.ts";
import { readSmallFile } from "../../lib/small-file.ts";
import { SortgateError, systemCode } from "../../model/error.ts";
import { daemonEnv } from "../daemon.ts";
import { cannotMake } from "../new-file.ts";
import type { Output } from "../output.ts";
import { configOption, jsonOption } from "../program.ts";
import { addKeysOnline } from "./keys-online.ts";

/** `sortgate keys`: the device's key and certificate. */
export function addKeys(program: Command, output: Output): void {
  const keys = program
    .command("keys")
    .description("the device's key and certificate")
    .addHelpText(
      "after",
      "\nExamples:\n  sortgate keys show\n  sortgate keys csr --out line-3.csr\n  sortgate keys import line-3.crt\n",
    );
  addCsr(keys, output);
  addImport(keys, output);
  addKeysOnline(keys, output);
}

interface FileOptions {
  readonly config: string;
  readonly out?: string;
}

/** `keys csr`: a request to the site's authority. Works on files; the daemon may run or not. */
function addCsr(keys: Command, output: Output): void {
  keys
    .command("csr")
    .description("write a certificate request over the device key, for your authority to sign")
    .addOption(configOption())
    .option("-o, --out <file>", "write the request to a new file instead of the terminal")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nMakes the device key if there is none yet. The key itself never leaves the box.\n" +
        "\nExamples:\n  sortgate keys csr\n  sortgate keys csr --out line-3.csr\n",
    )
    .action(async ({ config, out }: FileOptions) => {
      const request = await requestForAuthority(await settingsOf(config, output));
      if (out !== undefined) await writeNew(out, request);
      if (output.asJson) output.json(out === undefined ? { request } : { file: out });
      else if (out === undefined) output.block(request);
      else output.line(`Wrote ${out}. Have your authority sign it, then: sortgate keys import CERTIFICATE`, "good");
    });
}

/** `keys import`: puts the authority's answer in place. Works on files; the daemon may run or not. */
function addImport(keys: Command, output: Output): void {
  keys
    .command("import")
    .description("put a certificate over the device key in place, and keep the old one aside")
    .argument("<file>", "PEM: the device's certificate first, then those that issued it")
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nRefuses what does not fit the device key, the order or the day; then nothing has changed.\n" +
        "\nExamples:\n  sortgate keys import line-3.crt\n  sortgate keys import chain.pem --config ./sortgate.toml\n",
    )
    .action(async (file: string, { config }: FileOptions) => {
      const settings = await settingsOf(config, output);
      const { identity, keptAs, isNamed, isNew } = await importCertificates(settings, await readPem(file), file);
      const { subject, fingerprint, certificatePath } = identity;
      const validUntil = new Date(identity.notAfter).toISOString();
      if (output.asJson) {
        const facts = { certificatePath, subject, fingerprint, validUntil };
        return output.json({ ...facts, keptAs: keptAs ?? null, isNamed, isNew });
      }
      output.line(isNew ? "The new certificate is in place" : "This certificate is in place already", "good");
      output.table([
        ["file", certificatePath],
        ["subject", subject],
        ["fingerprint", fingerprint],
        ["valid until", validUntil],
        ...(isNew ? [["old one", keptAs ?? "none"]] : []),
      ]);
      if (!isNamed) {
        output.line(`It names neither CN=${settings.gateway} nor ${identity.applicationUri}:`, "warn");
        output.line("a verifier that trusts only the authority will not take it as this gateway's.", "warn");
      }
      if (!isNew)
        return output.line("Nothing was changed. Try: sortgate keys show, which tells whether it is in use already");
      output.line("It endorses from the next start on. Try: systemctl restart sortgate");
      if (keptAs !== undefined)
        output.line(
          `Keep the old one too: events until then are verified with --trust ${keptAs} --trust ${certificatePath}`,
        );
    });
}

async function settingsOf(path: string, output: Output): Promise<IdentitySettings> {
  const { gateway } = await readConfig(path, { env: daemonEnv });
  return {
    dataDir: gateway.data_dir,
    gateway: gateway.id,
    site: gateway.site,
    clock: createSystemClock(),
    tell: ({ message }) => output.note(message),
  };
}

async function readPem(path: string): Promise<string> {
  try {
    return (await readSmallFile(path)).toString("latin1");
  } catch (cause) {
    throw new SortgateError("identity/certificate", `Cannot read ${path} (${systemCode(cause) || "unknown error"})`, {
      hint: `give the PEM file that your authority sent; ls -l ${path}`,
      cause,
    });
  }
}

async function writeNew(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { flag: "wx" });
  } catch (cause) {
    throw cannotMake(path, "--out", cause);
  }
}
