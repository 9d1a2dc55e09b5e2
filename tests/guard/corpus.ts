import { readdirSync, readFileSync } from "node:fs";
import type { CarrierName } from "../../src/guard/settings.ts";
import type { Medium } from "../../src/model/read.ts";

/** A code of the corpus, and what is to become of it. */
export interface Case {
  readonly name: string;
  readonly medium?: Medium;
  readonly symbology?: string;
  readonly configured?: CarrierName[];
  readonly text?: string;
  readonly hex?: string;
  readonly expect: { codeClass: string; code?: string; carriers?: string[]; epcUri?: string };
  /** What else of a label leaves. */
  readonly label?: { format: string; routing?: string[]; service?: string };
  /** What core data it shows in clear; absent where nobody has counted. */
  readonly leaks?: string[];
  /** What on it is of a person, by kind: each piece must be found as what it is. */
  readonly pieces?: Readonly<Record<string, readonly string[]>>;
  /** What on it is of a person and no one promises to find, with the reason. */
  readonly unfound?: readonly { readonly kind: string; readonly text: string; readonly why: string }[];
  /** What else must not stand in the event: numbers that are not this parcel's, parts of pieces. */
  readonly secrets?: readonly string[];
}

const folder = new URL("../captures/guard/", import.meta.url);

export const files: readonly string[] = readdirSync(folder).filter((name) => name.endsWith(".json"));

export function casesOf(file: string): readonly Case[] {
  return (JSON.parse(readFileSync(new URL(file, folder), "utf8")) as { cases: Case[] }).cases;
}

export function bytesOf({ text, hex }: Case): Uint8Array {
  return hex === undefined ? Buffer.from(text ?? "", "utf8") : Buffer.from(hex, "hex");
}

/** All that must not stand in an event. */
export function secretsOf({ pieces = {}, unfound = [], secrets = [] }: Case): readonly string[] {
  return [...Object.values(pieces).flat(), ...unfound.map(({ text }) => text), ...secrets];
}
