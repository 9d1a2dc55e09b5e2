import { pino } from "pino";
import { defaultConfigPath, namingConfig } from "../lib/config-flag.ts";
import { limits } from "../model/limits.ts";
import type { Notice, NoticeName, Tell } from "../model/notice.ts";
import { createStdoutLog, type LogOutput } from "./log-output.ts";
import type { LogSettings } from "./settings.ts";

/** What becomes of notices: a log line each, and a count by name. */
export interface Telemetry {
  /** Returns at once and never throws. */
  readonly tell: Tell;
  /** How often each notice was told in this run, logged or not. */
  counts(): ReadonlyMap<NoticeName, number>;
  /** Writes the lines that still wait. */
  flush(): void;
}

/** Keys of a log line that a field must not repeat. */
const ownKeys: ReadonlySet<string> = new Set(["time", "level", "name", "msg"]);

/** Control characters, and what reorders text on a screen (UAX #9) or breaks a line. */
const unprintable = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;

function printable(text: string): string {
  const short = text.length > limits.noticeTextMax ? `${text.slice(0, limits.noticeTextMax - 1)}…` : text;
  return short.replace(unprintable, "\ufffd");
}

function lineFields(notice: Notice): Record<string, string | number | boolean> {
  const fields: Record<string, string | number | boolean> = { name: notice.name };
  for (const [key, value] of Object.entries(notice.fields ?? {}))
    fields[ownKeys.has(key) ? `${key}_` : key] = typeof value === "string" ? printable(value) : value;
  return fields;
}

function linesLost(count: number): Notice {
  return {
    name: "gateway/warning",
    level: "warn",
    message: "Log lines were lost because nobody took them from stdout in time",
    fields: { count },
  };
}

/**
 * Makes the log: one line of JSON on stdout for each notice of the set level or above.
 *
 * Takes:  `configPath`, which the commands in its hints need too; `destination` to write elsewhere.
 * Loses:  lines that nobody takes; how many, a `gateway/warning` tells as soon as there is room.
 */
export function createTelemetry({
  settings,
  configPath = defaultConfigPath,
  destination,
}: {
  readonly settings: LogSettings;
  readonly configPath?: string;
  readonly destination?: LogOutput;
}): Telemetry {
  const output = destination ?? createStdoutLog();
  const logger = pino(
    {
      level: settings.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    output,
  );
  const counts = new Map<NoticeName, number>();
  const put = (notice: Notice): void => {
    counts.set(notice.name, (counts.get(notice.name) ?? 0) + 1);
    logger[notice.level](lineFields(notice), printable(namingConfig(notice.message, configPath)));
  };
  const tell: Tell = (notice) => {
    put(notice);
    const lostCount = output.takeLost();
    if (lostCount > 0) put(linesLost(lostCount));
  };
  // Runs after an uncaught exception too: the last words of a crash are the ones that are needed.
  if (destination === undefined) process.once("exit", () => output.flush());
  return { tell, counts: () => counts, flush: () => output.flush() };
}
