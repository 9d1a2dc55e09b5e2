import type { z } from "zod";
import { SortgateError } from "../model/error.ts";
import { explainIssues } from "./proof/explain.ts";
import { checkDataDir, checkNamedFiles } from "./proof/named-files.ts";
import { checkReferences } from "./proof/references.ts";
import { warningsOf } from "./proof/warnings.ts";
import { type Config, configJsonSchema, fileSettings } from "./schema.ts";
import { expand } from "./toml/expand.ts";
import { type KeyPath, pathText, placeAt, plainValue } from "./toml/locate.ts";
import { parseToml, type TomlTable } from "./toml/parse-toml.ts";
import { decodeText, readText } from "./toml/read-text.ts";
import { type ConfigProblem, type Finding, problemText } from "./words/problem.ts";

/** What came of checking a config file. */
export type CheckedConfig =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly ConfigProblem[] }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[]; readonly warnings: readonly ConfigProblem[] };

export interface CheckOptions {
  /** Taken instead of what the file holds; the file's name then serves for messages and relative paths alone. */
  readonly text?: string;
  /** Also look at the files that the configuration names: keys, certificates, passwords. */
  readonly namedFiles?: boolean;
  /** Looks further into a sound configuration, at what this module does not know. */
  readonly judge?: (config: Config) => Promise<readonly Judgement[]>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly nowMs?: number;
}

/** What a further look found at a key. */
export interface Judgement {
  readonly level: "problem" | "warning";
  readonly path: KeyPath;
  readonly sentence: string;
  readonly hint: string;
}

function findingsOf(root: TomlTable, judgements: readonly Judgement[], level: Judgement["level"]): Finding[] {
  return judgements
    .filter((judgement) => judgement.level === level)
    .map(({ path, sentence, hint }) => ({ at: placeAt(root, path), key: pathText(root, path), sentence, hint }));
}

function problemsIn(file: string, findings: readonly Finding[], code: ConfigProblem["code"]): ConfigProblem[] {
  const problems = findings.map(({ at, key, sentence, hint, excerpt }) => ({
    code,
    file,
    ...(at === undefined ? {} : { line: at.line, column: at.column }),
    key,
    sentence,
    hint,
    ...(excerpt === undefined || excerpt.length === 0 ? {} : { excerpt }),
  }));
  return problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
}

function configOf(file: z.infer<typeof fileSettings>): Config {
  const { gateway, broker, queue, read_point, device, guard, control, log } = file;
  return { gateway, brokers: broker, queue, readPoints: read_point, devices: device, guard, control, log };
}

async function prove(path: string, text: string, options: CheckOptions): Promise<CheckedConfig> {
  const parsed = parseToml(text);
  if (!parsed.ok) return { ok: false, problems: problemsIn(path, [parsed.finding], "config/invalid"), warnings: [] };
  const { root } = parsed;
  const { findings: refusals, refused } = expand(root, { file: path, env: options.env ?? process.env });
  // An empty message tells our own words from those of the settings, and keeps zod's from getting through.
  const result = fileSettings.safeParse(plainValue(root), { error: () => "" });
  const issues = result.success ? [] : explainIssues(configJsonSchema(), root, result.error.issues, refused);
  const dataDir = result.success ? await checkDataDir(root, result.data.gateway.data_dir) : [];
  const findings = [refusals, issues, checkReferences(root), dataDir].flat();
  const files =
    options.namedFiles === true
      ? await checkNamedFiles(root, refused, options.nowMs ?? Date.now())
      : { problems: [], warnings: [] };
  const config = result.success ? configOf(result.data) : undefined;
  const sound = findings.length > 0 ? undefined : config;
  const judged = sound === undefined ? [] : ((await options.judge?.(sound)) ?? []);
  const wrong = [...findings, ...files.problems, ...findingsOf(root, judged, "problem")];
  const problems = problemsIn(path, wrong, "config/invalid");
  const found = [...(sound === undefined ? [] : warningsOf(root, sound)), ...files.warnings];
  const warnings = problemsIn(path, [...found, ...findingsOf(root, judged, "warning")], "config/invalid");
  if (config === undefined || problems.length > 0) return { ok: false, problems, warnings };
  return { ok: true, config, warnings };
}

/**
 * Proves a configuration and tells everything that is wrong with it.
 *
 * Takes:  the path of the file.
 * Gives:  the configuration with every default filled in, or all problems in the order of the file.
 * Fails:  never; a file that cannot be read is a problem too. Touches no device and no network.
 */
export async function checkConfig(path: string, options: CheckOptions = {}): Promise<CheckedConfig> {
  const read = options.text === undefined ? await readText(path) : decodeText(path, Buffer.from(options.text));
  if (!read.ok) return { ok: false, problems: problemsIn(path, [read.finding], read.code), warnings: [] };
  return prove(path, read.text, options);
}

/**
 * Reads a configuration that must be sound.
 *
 * Takes:  `env` instead of this process's own environment.
 * Fails:  with `config/unreadable` or `config/invalid`, whose sentence tells the first problem and how many there are.
 */
export async function readConfig(path: string, options: Pick<CheckOptions, "env"> = {}): Promise<Config> {
  const checked = await checkConfig(path, options);
  if (checked.ok) return checked.config;
  const [first, ...others] = checked.problems;
  const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
  throw new SortgateError(
    first?.code ?? "config/invalid",
    `${first === undefined ? path : problemText(first)}${more}`,
    {
      hint: others.length === 0 ? (first?.hint ?? "") : `see all of them with: sortgate check --config ${path}`,
      context: { file: path, problemCount: checked.problems.length },
    },
  );
}
