import { findEastern } from "./eastern.ts";
import type { Finding } from "./finding.ts";
import { findWestern } from "./western.ts";

/**
 * Finds addresses.
 *
 * Takes:   normalized text.
 * Cost:    linear.
 */
export function findAddresses(text: string): Finding[] {
  return [...findEastern(text), ...findWestern(text)];
}
