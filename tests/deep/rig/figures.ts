import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What the last run measured, by guarantee and proof; `scripts/guarantees.mjs` puts it into docs/guarantees.md. */
const path = join(import.meta.dirname, "../figures.json");

type Figures = Record<string, Record<string, string>>;

/** Notes what a proof measured. Files run one after the other, so nobody else writes meanwhile. */
export function figure(guarantee: string, proof: string, text: string): void {
  const figures = existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Figures) : {};
  figures[guarantee] = { ...figures[guarantee], [proof]: text };
  writeFileSync(path, `${JSON.stringify(figures, null, 2)}\n`);
}

/** A number as people read it: 31,000. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** A duration as people read it: 7.4 s. */
export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
