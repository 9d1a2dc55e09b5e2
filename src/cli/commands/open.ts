import type { Command } from "commander";
import { createOpener, type Opener } from "../../guard/open.ts";
import { fingerprintText } from "../../lib/fingerprint.ts";
import { readSmallFile } from "../../lib/small-file.ts";
import { SortgateError } from "../../model/error.ts";
import { exitCodes } from "../exit-code.ts";
import type { Output } from "../output.ts";
import { jsonOption } from "../program.ts";
import { eventsText } from "../quantity.ts";
import { eachLine, explain } from "./verify.ts";

const help = `
For the centre: the private key must never come near a gateway. The first event that needs a content key comes behind the
audit event (action seal-key) that holds it, so capture the whole chain. What is shown is personal data in clear. Whoever has
the public key can seal too: believe what comes from a chain that sortgate verify found whole.

Exit codes:
  0  everything that is sealed was opened
  1  a sealed text was altered, or its content key is not among the events, or is for another private key

Examples:
  sortgate open events.jsonl --key centre.key
  sortgate open events.jsonl --key centre.key --json
`;

/** `sortgate open`: shows, on the centre's side, what gateways sealed to it. */
export function addOpen(program: Command, output: Output): void {
  program
    .command("open")
    .description("open what was sealed to the centre, with its private key")
    .argument("<file>", "captured events, one a line; - reads standard input")
    .requiredOption("--key <file>", "the centre's private key (PEM)")
    .addOption(jsonOption())
    .addHelpText("after", help)
    .action((file: string, options: { readonly key: string }) => open(file, options.key, output));
}

async function readOpener(path: string): Promise<Opener> {
  const bytes = await readSmallFile(path).catch((cause: unknown) => {
    throw explain(path, cause, "--key");
  });
  try {
    return createOpener(bytes);
  } catch (cause) {
    throw new SortgateError("verify/unreadable", `${path} holds no private key that can be read without a password`, {
      hint: "give the key to which the gateways seal, as PEM: openssl pkey -in KEY writes it without its password",
      cause,
    });
  }
}

interface Counts {
  opened: number;
  "no-key": number;
  "other-key": number;
  altered: number;
  /** Fingerprints of the private keys that open the rest. */
  readonly wanted: Set<string>;
}

async function open(file: string, keyPath: string, output: Output): Promise<void> {
  const opener = await readOpener(keyPath);
  const events: unknown[] = [];
  let eventCount = 0;
  await eachLine(file, (line) => {
    if (line.includes('"specversion"')) eventCount += 1;
    // Most events hold nothing sealed, and need not be kept.
    if (line.includes('"sealed"') || line.includes('"seal-key"')) events.push(parsed(line));
  });
  if (eventCount === 0) throw nothingThere(file);
  for (const event of events) await opener.learn(event);
  const counts: Counts = { opened: 0, "no-key": 0, "other-key": 0, altered: 0, wanted: new Set() };
  for (const event of events) tell(event, opener, counts, output);
  const { opened, altered, wanted } = counts;
  const missing = counts["no-key"] + counts["other-key"];
  if (altered + missing > 0) output.exitCode = exitCodes.problem;
  if (!output.asJson) output.line(`opened ${opened}, without their key ${missing}, altered ${altered}`, "strong");
  if (output.asJson) return;
  if (wanted.size > 0) output.problem(otherKey(counts["other-key"], wanted, opener.fingerprint));
  if (counts["no-key"] > 0) output.problem(noKey(counts["no-key"]));
  if (altered > 0) output.problem(wasAltered(altered));
}

function noKey(count: number): SortgateError {
  const sentence = `The content key of ${eventsText(count)} is not in this file, or was altered`;
  return new SortgateError("verify/unreadable", sentence, {
    hint: "capture the whole chain: the audit event (action seal-key) that holds it stands before the first event that needs it; what the gateway still has gives, on it: sortgate queue export --reason TICKET-4711",
  });
}

function wasAltered(count: number): SortgateError {
  const sentence = `What is sealed in ${eventsText(count)} is not what the gateway sealed there: it was altered, or is another event's`;
  return new SortgateError("verify/unreadable", sentence, {
    hint: "sortgate verify names the events that are not as the gateway signed them; look for another capture of these",
  });
}

/** More would scroll what matters away. */
const toldMax = 4;

function otherKey(count: number, wanted: ReadonlySet<string>, own: string): SortgateError {
  const fingerprints = [...wanted].slice(0, toldMax).map(fingerprintText).join(", or ");
  const sentence = `This private key is not the one that ${count} of these were sealed to: they want ${fingerprints}, this is ${fingerprintText(own)}`;
  return new SortgateError("verify/unreadable", sentence, {
    hint: "give the private key of that fingerprint; sortgate status on the gateway shows what it seals to",
  });
}

function nothingThere(file: string): SortgateError {
  const name = file === "-" ? "standard input" : file;
  return new SortgateError("verify/unreadable", `There is no event in ${name}`, {
    hint: "capture some first: mosquitto_sub -t 'sortgate/#' -v > events.jsonl",
  });
}

/** The event of a line, which `mosquitto_sub -v` puts its topic before. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line.slice(line.indexOf("{")));
  } catch {
    return undefined;
  }
}

function tell(event: unknown, opener: Opener, counts: Counts, output: Output): void {
  const result = opener.open(event);
  if (result === undefined) return;
  const { id: said } = event as { id?: unknown };
  const id = typeof said === "string" ? JSON.stringify(said).slice(1, -1) : "an event without id";
  const fields = "reason" in result ? undefined : result;
  counts["reason" in result ? result.reason : "opened"] += 1;
  if ("wanted" in result) for (const fingerprint of result.wanted) counts.wanted.add(fingerprint);
  if (output.asJson) output.json({ id, ...(fields === undefined ? result : { fields }) });
  else if (fields === undefined) output.line(`${id}  ${"reason" in result ? result.reason : ""}`, "bad");
  // Text from a label may speak to a terminal.
  else for (const { kind, value } of fields) output.line(`${id}  ${kind}  ${JSON.stringify(value)}`);
}
