import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What the last run measured, a file for each guarantee and proof; `scripts/guarantees.mjs` puts them into docs/guarantees.md. */
const folder = join(import.meta.dirname, "figures");

/** Notes what a proof of a guarantee measured. Proofs of one guarantee stand in the order of their names. */
export function figure(guarantee: string, proof: string, text: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${guarantee} ${proof}`), text);
}

/** A number as people read it: 31,000. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** A duration as people read it: 7.4 s. */
export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
