import { createHash } from "node:crypto";

/** What happened in a history, line by line. It holds no keys and no signatures: those are drawn anew each time. */
export interface Trace {
  add(line: string): void;
  /** The last lines. */
  tail(count: number): readonly string[];
  /** The same for the same history, and for no other. */
  digest(): string;
}

export function createTrace(nowMs: () => number): Trace {
  const lines: string[] = [];
  return {
    add: (line) => void lines.push(`${nowMs().toFixed(2).padStart(10)} ${line}`),
    tail: (count) => lines.slice(-count),
    digest: () => createHash("sha256").update(lines.join("\n")).digest("hex").slice(0, 16),
  };
}

/** Why a history is not as it should be. */
export interface Violation {
  /** The promise that was broken. */
  readonly oracle: string;
  readonly text: string;
}
