import type { Command } from "commander";
import { type Config, readConfig, readPolicyText } from "../../config/index.ts";
import { policyKeys } from "../../guard/policy/index.ts";
import { fingerprintText } from "../../lib/fingerprint.ts";
import { SortgateError } from "../../model/error.ts";
import { findPolicy, type Policy } from "../../policy.ts";
import { daemonEnv } from "../daemon.ts";
import { exitCodes } from "../exit-code.ts";
import type { Output } from "../output.ts";
import { configOption, jsonOption } from "../program.ts";
import { readNamedText, signWith } from "../signing.ts";

/** `sortgate policy`: what the guard works by. */
export function addPolicy(program: Command, output: Output): void {
  const policy = program
    .command("policy")
    .description("what the guard works by, and the centre's signature under it")
    .addHelpText(
      "after",
      "\nExamples:\n  sortgate policy show\n  sortgate policy sign policy.json --key centre-policy.key > policy.jws\n",
    );
  addShow(policy, output);
  addSign(policy, output);
}

const signHelp = `
For the centre: the private key must never come near a gateway. The file is JSON:

  {"version": 7, "site": "HZ01", "not_after": "2027-12-31T00:00:00Z", "guard": {"core": "drop", "carriers": ["sf"]}}

version counts up: a gateway refuses one that is older than the newest it ever had. Without site it is for all sites, without
not_after for ever. What guard does not name stays as each gateway's config says. To go back to an older policy, sign its
content again with a higher version.

Examples:
  sortgate policy sign policy.json --key centre-policy.key > policy.jws
`;

function addSign(policy: Command, output: Output): void {
  policy
    .command("sign")
    .description("sign a policy, on the centre's side")
    .argument("<file>", "the policy as JSON")
    .requiredOption("--key <file>", "the centre's private key (PEM): Ed25519, P-256, or RSA of 2,048 bits or more")
    .addHelpText("after", signHelp)
    .action((file: string, options: { readonly key: string }) => sign(file, options.key, output));
}

async function sign(file: string, keyPath: string, output: Output): Promise<void> {
  const read = readPolicyText(await readNamedText(file));
  if (!read.ok)
    throw new SortgateError("config/invalid", `${file}  ${read.sentences.join("; ")}`, {
      hint: "correct it; sortgate help policy sign shows a policy",
    });
  const { not_after: end } = read.policy;
  if (end !== undefined && Date.parse(end) <= Date.now())
    throw new SortgateError(
      "config/invalid",
      `${file}  not_after: found ${JSON.stringify(end)}, which is past; allowed: a time to come`,
      {
        hint: "write a later one, or leave not_after out; timedatectl shows whether the clock of this machine is right",
      },
    );
  output.block(await signWith(keyPath, "policy", read.policy));
}

function addShow(policy: Command, output: Output): void {
  policy
    .command("show")
    .description("show the policy that the guard works by from the next start on, by read point")
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nWhat the running daemon works by, sortgate status shows. Ends with 1 if the signed policy does not hold.\n" +
        "\nExamples:\n  sortgate policy show\n  sortgate policy show --config ./sortgate.toml --json\n",
    )
    .action(({ config }: { readonly config: string }) => show(config, output));
}

async function show(path: string, output: Output): Promise<void> {
  const config = await readConfig(path, { env: daemonEnv });
  const policy = await findPolicy(config, { nowMs: Date.now(), mustRemember: false });
  if (policy.refused !== undefined) output.exitCode = exitCodes.problem;
  if (output.asJson) return output.json(policyJson(config, policy));
  const { refused, signed, hash, isUnremembered } = policy;
  if (refused !== undefined) {
    output.line(`The signed policy does not hold, and the guard lets out tokens alone: ${refused.sentence}`, "bad");
    output.line(`  Try: ${refused.hint}`);
  }
  if (isUnremembered) output.note("Warning: this user cannot tell whether the policy is older than the last one used.");
  output.table([
    ["signed policy", signedText(policy)],
    ["signed with", signed === undefined ? "-" : fingerprintText(signed.signer)],
    ["holds until", signed === undefined ? "-" : (signed.notAfter ?? "for ever")],
    ["hash", `${hash}, as in checkpoints`],
  ]);
  output.line();
  output.table(policyRows(config, policy.guard), ["read point", "core", "basic", "public"]);
  output.line();
  const origin = originsOf(policy);
  output.table(
    policyKeys.map((key) => [key, valueText(policy.guard[key]), origin(key)]),
    ["key", "value", "from"],
  );
}

function signedText({ signed, refused, file }: Policy): string {
  if (signed !== undefined) return `version ${signed.version}, ${file?.path}`;
  return refused === undefined ? "none: the config says all" : "refused";
}

function valueText(value: Policy["guard"][(typeof policyKeys)[number]]): string {
  if (typeof value === "string") return value;
  if (value.length === 0) return "none";
  return value.map((one) => (typeof one === "string" ? one : one.read_point)).join(", ");
}

/** Where the value of a key comes from. */
function originsOf({ signed, refused }: Policy): (key: string) => string {
  const droppedKeys = ["core", "basic", "public", "unknown", "policy"];
  return (key) => {
    if (refused !== undefined && droppedKeys.includes(key)) return "no policy that holds";
    return signed?.keys.includes(key) ? "the signed policy" : "the config, or its default";
  };
}

/** What `[guard] crypto = "gm"` means, for a line that says that it is on. */
export const gmText = "tokens by HMAC-SM3, sealing by SM2 and SM4, checkpoints signed with SM2 besides";

/** What becomes of each class at each read point. */
export function policyRows({ readPoints }: Config, guard: Policy["guard"]): string[][] {
  return readPoints.map(({ name }) => {
    const own = guard.policy.find(({ read_point }) => read_point === name);
    return [name, own?.core ?? guard.core, own?.basic ?? guard.basic, own?.public ?? guard.public];
  });
}

/** The same for programs; `check` tells it too. */
export function policyJson(config: Config, policy: Policy): object {
  const { signed, refused, hash, guard } = policy;
  const origin = originsOf(policy);
  return {
    hash,
    ...(signed === undefined ? {} : { version: signed.version, sha256: signed.sha256, signer: signed.signer }),
    ...(signed?.notAfter === undefined ? {} : { notAfter: signed.notAfter }),
    ...(refused === undefined ? {} : { problem: refused.sentence, reason: refused.reason, hint: refused.hint }),
    readPoints: policyRows(config, guard).map(([name, core, basic, open]) => ({ name, core, basic, public: open })),
    keys: policyKeys.map((key) => ({ key, value: guard[key], from: origin(key) })),
  };
}
