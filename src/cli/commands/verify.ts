import { X509Certificate } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { type Command, Option } from "commander";
import { readSmallFile } from "../../lib/small-file.ts";
import { SortgateError, systemCode } from "../../model/error.ts";
import { type ChainVerdict, createVerifier, type Finding, type Verdict } from "../../seal/index.ts";
import { exitCodes } from "../exit-code.ts";
import type { Output } from "../output.ts";
import { jsonOption } from "../program.ts";

/** Findings of one chain that are shown; the rest is counted. */
const shownMax = 20;
/** A line is cut here: it is far beyond what the verifier takes, so that it refuses the line as too long. */
const lineBytesMax = 4_194_304;
const capture = "mosquitto_sub -t 'sortgate/#' -v > events.jsonl";

interface VerifyOptions {
  readonly trust?: readonly string[];
  readonly witness?: string;
}

/** `sortgate verify`: judges captured events without asking anybody. */
export function addVerify(program: Command, output: Output): void {
  program
    .command("verify")
    .description("check captured events: signatures, chain, checkpoints")
    .argument("<file>", "captured events, one a line in any order; - reads standard input")
    .addOption(trustOption())
    .option("--witness <file>", "a checkpoint that was kept elsewhere: shows whether the end was cut off")
    .addOption(jsonOption())
    .addHelpText("after", help)
    .action((file: string, options: VerifyOptions) => verify(file, options, output));
}

const help = `
Needs nothing but the events: no network, no config. Without --trust a chain can only be called consistent, not authentic.
Ends with 0 if everything is whole up to its last event, with 1 if something is missing, altered, forged or not readable.

Examples:
  ${capture}
  sortgate verify events.jsonl --trust line-3.crt
  sortgate verify events.jsonl --trust line-3-old.crt --trust line-3.crt
  sortgate verify events.jsonl --trust site-ca.pem --witness last-checkpoint.json
  zcat events.jsonl.gz | sortgate verify - --json
`;

/** `--trust FILE`, alike in both commands that verify. */
export function trustOption(): Option {
  return new Option(
    "--trust <file>",
    "certificates of the device or of its authority (PEM or DER); may be repeated",
  ).argParser(gather);
}

function gather(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}

async function verify(file: string, options: VerifyOptions, output: Output): Promise<void> {
  const trust = await readTrusted(options.trust);
  const witness = options.witness === undefined ? undefined : await readWitness(options.witness);
  const verifier = createVerifier({ trust, witness });
  if (file !== "-" && (await isFile(file))) await eachLine(file, (line) => verifier.learn(line));
  await eachLine(file, (line, number) => void verifier.push(line, number));
  const verdict = verifier.finish();
  requireEvents(verdict, file, options.witness);
  if (verdict.verdict === "broken") output.exitCode = exitCodes.problem;
  if (output.asJson) output.json({ file, ...verdict });
  else tellVerdict(verdict, { command: "sortgate verify FILE", isTrustGiven: trust !== undefined }, output);
  const isEndKnown = options.witness !== undefined || verdict.verdict === "broken";
  if (!isEndKnown && !output.asJson) output.note(endNote);
}

function requireEvents(verdict: Verdict, file: string, witness: string | undefined): void {
  const name = file === "-" ? "standard input" : file;
  if (!verdict.chains.some(({ eventCount }) => eventCount > 0)) {
    const lines = verdict.malformedCount === 0 ? "" : `: none of its ${verdict.malformedCount} lines is one`;
    throw unreadable(`There is no event in ${name}${lines}`, `capture some first: ${capture}`);
  }
  if (witness !== undefined && verdict.witnessCount === 0) {
    throw unreadable(
      `There is no checkpoint event in ${witness}`,
      "give a file with lines of captured events, at least one of them a checkpoint",
    );
  }
}

/** Not part of the verdict: a chain whose end was cut off is whole up to there, and nothing in it says otherwise. */
const endNote = "Events after that may have been cut off; a checkpoint that was kept elsewhere tells: --witness FILE";

export interface Judging {
  /** How the command is run, for hints. */
  readonly command: string;
  readonly isTrustGiven: boolean;
}

/** Tells a verdict to a person; `queue verify` does it too. */
export function tellVerdict(verdict: Verdict, { command, isTrustGiven }: Judging, output: Output): void {
  for (const chain of verdict.chains) tellChain(chain, output);
  if (verdict.malformedCount > 0) {
    output.line(`Lines that are no event: ${verdict.malformedCount}`);
    for (const finding of verdict.malformed.slice(0, shownMax)) output.line(`  ${wordsOf(finding)}`, "bad");
    tellRest(verdict.malformedCount - shownMax, output);
  }
  if (!isTrustGiven) {
    output.line("No certificate was given to trust: that these events come from the device itself is not proven.");
    output.line(`Try: ${command} --trust CERTIFICATE, of the device or of its authority`);
  }
  const isUntrusted = verdict.chains.some(({ findings }) =>
    findings.some((finding) => finding.kind === "endorsement" && finding.reason === "untrusted"),
  );
  if (isUntrusted) {
    output.line("An epoch is endorsed by another certificate than those given. After keys import there are several:");
    output.line(`Try: ${command} --trust OLD --trust NEW; the old one lies beside the new one as device-*.crt`);
  }
  output.line(verdictLine(verdict), verdict.verdict === "whole" ? "good" : "bad");
}

function tellChain(chain: ChainVerdict, output: Output): void {
  const { gateway, site, eventCount, purged, from, to } = chain;
  const range = eventCount === 0 ? "no event" : from === to ? `event ${from}` : `events ${from} to ${to}`;
  output.line(`Gateway ${gateway} at ${site}, chain ${chain.chain}: ${range}`, "strong");
  if (purged !== undefined)
    output.line(
      `  note: ${rangeOf(purged)} destroyed by the gateway, which signed it; their epoch event is here`,
      "dim",
    );
  const notes = chain.findings.filter(isNote);
  const faults = chain.findings.filter((finding) => !isNote(finding));
  for (const finding of faults.slice(0, shownMax)) output.line(`  ${wordsOf(finding)}`, "bad");
  for (const finding of notes.slice(0, 3)) output.line(`  note: ${wordsOf(finding)}`, "dim");
  tellRest(chain.findingCount - Math.min(faults.length, shownMax) - Math.min(notes.length, 3), output);
}

function tellRest(count: number, output: Output): void {
  if (count > 0) output.line(`  … and ${count} more; --json shows more of them`);
}

function isNote({ kind }: Finding): boolean {
  return kind === "repeated" || kind === "not-canonical";
}

/** The last line, alone worth reading: the verdict, how much there was, and the first thing that is wrong. */
function verdictLine({ verdict, chains, malformed, malformedCount }: Verdict): string {
  const sum = (of: (chain: ChainVerdict) => number): number => chains.reduce((total, chain) => total + of(chain), 0);
  const parts = [
    counted(
      sum(({ eventCount }) => eventCount),
      "event",
    ),
    counted(
      sum(({ epochCount }) => epochCount),
      "epoch",
    ),
  ];
  const viewCount = sum((chain) => chain.viewCount);
  const erasedCount = sum((chain) => chain.erasedCount);
  if (viewCount > 0) parts.push(`${viewCount} of them as views`);
  if (erasedCount > 0) parts.push(`${erasedCount} of them erased`);
  parts.push(...nationalParts(chains));
  if (chains.length > 1) parts.unshift(counted(chains.length, "chain"));
  if (verdict === "whole") return `whole up to ${upTo(chains)}: ${[...parts, trustOf(chains)].join(", ")}`;
  const broken = chains.find((chain) => chain.verdict === "broken");
  const first = broken?.findings.find((finding) => !isNote(finding)) ?? malformed[0];
  if (malformedCount > 0) parts.push(`${counted(malformedCount, "line")} not readable`);
  const where = chains.length > 1 && broken !== undefined ? `${broken.gateway}/${broken.chain}, ` : "";
  return `not whole: ${parts.join(", ")}; first: ${where}${first === undefined ? "unknown" : wordsOf(first)}`;
}

/** What the national algorithms prove; nothing where no epoch brought a key of theirs. */
function nationalParts(chains: readonly ChainVerdict[]): string[] {
  const counts = chains.flatMap(({ gm }) => gm ?? []);
  if (counts.length === 0) return [];
  const signedCount = counts.reduce((total, gm) => total + gm.signedCount, 0);
  const provenCount = counts.reduce((total, gm) => total + gm.provenCount, 0);
  // As in what a partner has, whose checkpoints are views: counts of zero would sound like a fault.
  const isFaulty = chains.some(({ findings }) => findings.some(({ kind }) => kind === "gm"));
  if (signedCount === 0 && !isFaulty) return ["no checkpoint for SM2 to prove"];
  return [`${counted(signedCount, "checkpoint")} signed by SM2, ${provenCount} proven by SM3`];
}

/** Where what was judged ends; of several chains their own lines say it. */
function upTo(chains: readonly ChainVerdict[]): string {
  const [first, ...others] = chains;
  return first !== undefined && others.length === 0 ? `sequence ${first.to}` : "the end of each chain above";
}

function trustOf(chains: readonly ChainVerdict[]): string {
  if (chains.some(({ trust }) => trust !== "authentic")) return "consistent";
  const names = new Set(chains.map(({ certificate = "" }) => /CN=[^,]+/.exec(certificate)?.[0] ?? certificate));
  return `authentic (${[...names].slice(0, 4).join("; ")})`;
}

const endorsementWords: Readonly<Record<Extract<Finding, { kind: "endorsement" }>["reason"], string>> = {
  absent: "carries no endorsement by the device",
  malformed: "carries an endorsement that cannot be read",
  algorithm: "carries an endorsement by an algorithm that is not accepted",
  statement: "carries an endorsement of something else",
  signature: "carries an endorsement whose signature does not fit",
  untrusted: "is endorsed by a certificate that is not trusted",
  "other-gateway": "is endorsed by a certificate for another gateway",
  "not-valid-then": "is endorsed by a certificate that was not valid at that time",
};

const gmWords: Readonly<Record<Extract<Finding, { kind: "gm" }>["reason"], string>> = {
  absent: "checkpoint carries no SM2 signature, though its epoch brings a key for one",
  profile: "names a profile of algorithms that is not known",
  key: "carries an SM2 signature without a key that it could be checked with",
  malformed: "checkpoint carries an SM2 signature that cannot be read",
  signature: "checkpoint carries an SM2 signature that does not fit",
  mark: "erased event has a mark that does not tell its SM3: nothing shows what stood there",
  chain: "checkpoint does not fit the events before it (SM3 chain)",
};

const malformedWords: Readonly<Record<Extract<Finding, { kind: "malformed" }>["reason"], string>> = {
  json: "is not JSON",
  "cut-off": "is the last one and cut off in the middle",
  "duplicate-member": "names a member twice",
  number: "holds a number that not every reader sees alike",
  surrogate: "holds half a character",
  "too-deep": "is nested too deeply",
  "too-long": "is too long",
  "not-an-event": "is no event",
  contradiction: "says different things in id, source and sequence",
};

/** One finding as a sentence without its period. */
function wordsOf(finding: Finding): string {
  switch (finding.kind) {
    case "missing":
      return `${rangeOf(finding)} missing`;
    case "unknown-key":
      return `${rangeOf(finding)} not verifiable: the epoch event with the key is not there`;
    case "altered":
      return `${placeOf(finding)} altered: the signature does not fit`;
    case "unlinked":
      return `${placeOf(finding)} does not link to the event before it`;
    case "forged":
      return finding.reason === "other-key"
        ? `${placeOf(finding)} forged: signed by a key that is not the current epoch's`
        : `${placeOf(finding)} forged: signed for another sequence`;
    case "taken-out":
      return `${placeOf(finding)} taken out: nothing signed says that it was erased`;
    case "forked":
      return `sequence ${finding.sequence} forked: ${finding.count} different events claim it (lines ${finding.lines.join(", ")})`;
    case "algorithm":
      return `${placeOf(finding)} refused: signed by an algorithm that is not accepted`;
    case "endorsement":
      return `${placeOf(finding)} epoch ${endorsementWords[finding.reason]}`;
    case "checkpoint":
      return finding.of === "witness"
        ? `sequence ${finding.sequence} the witness's checkpoint does not fit: these are not the events that it saw`
        : `sequence ${finding.sequence} checkpoint does not fit the events before it (${finding.reason})`;
    case "gm":
      return `sequence ${finding.sequence} ${gmWords[finding.reason]}`;
    case "truncated":
      return `cut off after ${finding.after}: the witness knows ${finding.size} events`;
    case "repeated":
      return `${placeOf(finding)} repeated ${finding.count === 1 ? "once" : `${finding.count} times`}, the same each time`;
    case "not-canonical":
      return `${counted(finding.count, "event")} not in canonical form, from ${placeOf(finding)} on: serialised again on the way`;
    case "malformed":
      return `line ${finding.line} ${malformedWords[finding.reason]}`;
  }
}

function placeOf({ sequence, line }: { readonly sequence: number; readonly line: number }): string {
  return `sequence ${sequence} (line ${line})`;
}

function rangeOf({ from, to }: { readonly from: number; readonly to: number }): string {
  return from === to ? `sequence ${from}` : `sequence ${from} to ${to} (${counted(to - from + 1, "event")})`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** The certificates in all files that were given with --trust; nothing if none was. */
export async function readTrusted(paths: readonly string[] | undefined): Promise<X509Certificate[] | undefined> {
  return paths && (await Promise.all(paths.map(readCertificates))).flat();
}

/** The certificates in a PEM or DER file. */
async function readCertificates(path: string): Promise<X509Certificate[]> {
  const bytes = await readSmallFile(path).catch((cause: unknown) => {
    throw explain(path, cause, "--trust");
  });
  const blocks = bytes.toString("latin1").match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  try {
    return (blocks ?? [bytes]).map((certificate) => new X509Certificate(certificate));
  } catch (cause) {
    throw new SortgateError("verify/unreadable", `${path} holds no certificate that can be read`, {
      hint: "give the certificate of the device or of its authority, as PEM or DER",
      cause,
    });
  }
}

async function readWitness(path: string): Promise<string[]> {
  const lines: string[] = [];
  const take = (line: string): void => {
    if (line.includes("checkpoint")) lines.push(line);
  };
  await eachLine(path, take, "--witness");
  return lines;
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (cause) {
    throw explain(path, cause, "FILE");
  }
}

/**
 * Calls back for each line, counted from 1. Lines end with LF or CRLF and with nothing else: a text in an event may hold
 * U+2028, at which the line reader of Node would split it.
 */
export async function eachLine(
  path: string,
  take: (line: string, number: number) => void,
  role: FileRole = "FILE",
): Promise<void> {
  const stream: AsyncIterable<Buffer> = path === "-" ? process.stdin : createReadStream(path);
  let number = 0;
  let kept: Buffer[] = [];
  let keptBytes = 0;
  const keep = (bytes: Buffer): void => {
    if (keptBytes < lineBytesMax && bytes.length > 0) kept.push(bytes);
    keptBytes += bytes.length;
  };
  const close = (): void => {
    number += 1;
    take(Buffer.concat(kept).toString("utf8"), number);
    kept = [];
    keptBytes = 0;
  };
  try {
    for await (const chunk of stream) {
      let start = 0;
      for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
        keep(chunk.subarray(start, end));
        close();
        start = end + 1;
      }
      keep(chunk.subarray(start));
    }
  } catch (cause) {
    throw explain(path, cause, role);
  }
  if (keptBytes > 0) close();
}

/** As what a file was given. */
export type FileRole = "FILE" | "--trust" | "--witness" | "--key";

const wanted: Readonly<Record<FileRole, string>> = {
  FILE: `look at the path, or capture one: ${capture}`,
  "--trust": "give the gateway's certificate (sortgate keys show says where it lies) or that of your authority",
  "--key": "give the private key to which the gateways seal",
  "--witness": "give a file with checkpoint events that were kept elsewhere",
};

export function explain(path: string, cause: unknown, role: FileRole): SortgateError {
  const code = systemCode(cause);
  // Not of the system, so it is a fault of ours and must not pass for one of the file.
  if (code === "") throw cause;
  const what = role === "FILE" ? path : `${path}, given with ${role}`;
  if (code === "ENOENT" || code === "ENOTDIR") return unreadable(`There is no file ${what}`, wanted[role], cause);
  if (code === "EISDIR") return unreadable(`${path} is a directory`, `name a file in it: ls ${path}`, cause);
  const rights =
    code === "EACCES" ? `look at the rights, or run it with sudo: ls -l ${path}` : `look at the disk: ls -l ${path}`;
  return unreadable(`Cannot read ${what} (${code})`, rights, cause);
}

function unreadable(sentence: string, hint: string, cause?: unknown): SortgateError {
  return new SortgateError("verify/unreadable", sentence, { hint, cause });
}
