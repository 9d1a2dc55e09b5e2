/** Where something stands in the file; both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** One thing that is wrong with a configuration, or that deserves a look. */
export interface ConfigProblem {
  readonly code: "config/invalid" | "config/unreadable";
  readonly file: string;
  /** Absent if the whole file is meant. */
  readonly line?: number;
  readonly column?: number;
  /** What is meant, such as `device "scanner-1" > baud_rate`; empty for the file. */
  readonly key: string;
  /** What was found and what is allowed, without file, line and key. */
  readonly sentence: string;
  /** Completes "Try: …". */
  readonly hint: string;
  /** For syntax errors: the line of the file, and a caret below the column. */
  readonly excerpt?: readonly string[];
}

/** A finding before its file is known. */
export interface Finding {
  readonly at?: Place | undefined;
  readonly key: string;
  readonly sentence: string;
  readonly hint: string;
  readonly excerpt?: readonly string[];
}

/** `file:line:column  key: sentence`, the one form in which a problem is told to a person. */
export function problemText(problem: ConfigProblem): string {
  const place = problem.line === undefined ? problem.file : `${problem.file}:${problem.line}:${problem.column ?? 1}`;
  return problem.key === "" ? `${place}  ${problem.sentence}` : `${place}  ${problem.key}: ${problem.sentence}`;
}
