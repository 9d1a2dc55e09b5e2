import { inspect } from "node:util";
import { SortgateError, systemCode } from "../model/error.ts";
import { type ExitCode, exitCodes } from "./exit-code.ts";

export type Tone = "good" | "bad" | "warn" | "dim" | "strong";

/** A cell of a table: plain, or with a tone. */
export type Cell = string | { readonly text: string; readonly tone: Tone };

/** Where a command writes. Everything but `block` shows control characters as escapes, so that no code can steer a terminal. */
export interface Output {
  /** What the shell will learn; a command that found a problem sets it. */
  exitCode: ExitCode;
  /** Whether --json was given. */
  readonly asJson: boolean;
  /** Writes one line of text. */
  line(text?: string, tone?: Tone): void;
  /** Writes a text of our own as it is, with its line breaks. Never for text from outside. */
  block(text: string): void;
  /** Writes one value as one line of JSON. */
  json(value: unknown): void;
  /** Writes rows with their columns aligned; the head, if any, is a row of its own. */
  table(rows: readonly (readonly Cell[])[], head?: readonly string[]): void;
  /** Writes a remark beside the result, on stderr. */
  note(text: string): void;
  /** Writes `Error: …` and `Try: …` on stderr, and with --json also the error as JSON on stdout. */
  problem(error: unknown): void;
}

/** The part of a stream that is used here. */
export interface TextStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

export interface OutputSettings {
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  readonly json: boolean;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

const sgr: Readonly<Record<Tone, string>> = { good: "32", bad: "31", warn: "33", dim: "2", strong: "1" };

/** Control characters, lone surrogates, and what reorders or hides text: zero-width, line separators, bidi marks. */
const unsafe = /[\p{Cc}\p{Cs}\p{Bidi_Control}\p{Zl}\p{Zp}\u{200B}-\u{200D}\u{2060}\u{FEFF}]/gu;

function escaped(character: string): string {
  const point = character.codePointAt(0) ?? 0;
  if (point <= 0xff) return `\\x${point.toString(16).padStart(2, "0")}`;
  return `\\u${point.toString(16).padStart(4, "0")}`;
}

/** Text from outside, made harmless for a terminal: what could steer it is shown as an escape. */
export function plain(text: string): string {
  return text.replace(unsafe, escaped);
}

/** One line of JSON with the same value, in which nothing steers a terminal either. */
function plainJson(value: unknown): string {
  const text = JSON.stringify(value) ?? "null";
  return text.replace(unsafe, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Columns that a text takes on a terminal; East Asian wide characters take two. */
function columnsOf(text: string): number {
  const wide =
    /[\u{1100}-\u{115F}\u{2E80}-\u{A4CF}\u{AC00}-\u{D7A3}\u{F900}-\u{FAFF}\u{FE30}-\u{FE6F}\u{FF00}-\u{FF60}\u{FFE0}-\u{FFE6}\u{1F300}-\u{1FAFF}\u{20000}-\u{3FFFD}]/u;
  let columnCount = 0;
  for (const character of text) columnCount += wide.test(character) ? 2 : /\p{M}/u.test(character) ? 0 : 1;
  return columnCount;
}

function isColourful(stream: TextStream, env: OutputSettings["env"] = {}): boolean {
  return stream.isTTY === true && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
}

/** What is told of an error: sentence and hint for a person, a code for a program. */
function explainError(error: unknown): { code: string; sentence: string; hint: string } {
  if (error instanceof SortgateError) return { code: error.code, sentence: error.message, hint: error.hint };
  // The message of an error that nobody foresaw may hold anything, so only its kind is told.
  const kind =
    error instanceof Error ? `${error.name}${systemCode(error) ? ` ${systemCode(error)}` : ""}` : typeof error;
  return {
    code: "internal",
    sentence: `sortgate itself failed (${kind}); this is a fault of the program`,
    hint: "run the same command again with SORTGATE_DEBUG=1 and report what it prints",
  };
}

/** Makes the output of one run of the program. */
export function createOutput({ stdout, stderr, json, env = process.env }: OutputSettings): Output {
  const colourful = isColourful(stdout, env);
  const paint = (text: string, tone?: Tone): string =>
    colourful && tone !== undefined && text !== "" ? `\u001b[${sgr[tone]}m${text}\u001b[0m` : text;
  const writeRow = (row: readonly Cell[], widths: readonly number[]): void => {
    const cells = row.map((cell, index) => {
      const text = plain(typeof cell === "string" ? cell : cell.text);
      const padding = index === row.length - 1 ? 0 : (widths[index] ?? 0) - columnsOf(text);
      return paint(text, typeof cell === "string" ? undefined : cell.tone) + " ".repeat(Math.max(0, padding));
    });
    stdout.write(`${cells.join("  ").trimEnd()}\n`);
  };
  return {
    exitCode: exitCodes.fine,
    asJson: json,
    line: (text = "", tone) => void stdout.write(`${paint(plain(text), tone)}\n`),
    block: (text) => void stdout.write(text.endsWith("\n") ? text : `${text}\n`),
    json: (value) => void stdout.write(`${plainJson(value)}\n`),
    table(rows, head) {
      const all: (readonly Cell[])[] =
        head === undefined ? [...rows] : [head.map((text) => ({ text, tone: "dim" })), ...rows];
      const widths: number[] = [];
      for (const row of all)
        for (const [index, cell] of row.entries())
          widths[index] = Math.max(widths[index] ?? 0, columnsOf(plain(typeof cell === "string" ? cell : cell.text)));
      for (const row of all) writeRow(row, widths);
    },
    note: (text) => void stderr.write(`${plain(text)}\n`),
    problem(error) {
      const told = explainError(error);
      const red = isColourful(stderr, env);
      const label = (text: string, code: string): string => (red ? `\u001b[${code}m${text}\u001b[0m` : text);
      stderr.write(`${label("Error:", "31")} ${plain(told.sentence)}\n${label("Try:", "1")} ${plain(told.hint)}\n`);
      if (env.SORTGATE_DEBUG === "1") stderr.write(`${inspect(error)}\n`);
      if (json) stdout.write(`${plainJson({ error: told })}\n`);
    },
  };
}
