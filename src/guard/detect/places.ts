import { addEastern } from "./eastern.ts";
import type { Finding } from "./finding.ts";
import { addWestern } from "./western.ts";

/**
 * Finds addresses.
 *
 * Takes:   normalized text.
 * Cost:    linear.
 */
export function findAddresses(text: string): Finding[] {
  const found: Finding[] = [];
  addEastern(text, found);
  addWestern(text, found);
  return found;
}
