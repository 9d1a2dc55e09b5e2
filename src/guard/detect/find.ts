import { normalized } from "../label/normalized.ts";
import { addDocuments } from "./documents.ts";
import type { Finding } from "./finding.ts";
import { findMailAddresses } from "./mail.ts";
import { findNumbers } from "./numbers.ts";
import { addPersons } from "./persons.ts";
import { findAddresses } from "./places.ts";

/** What was found in a text. */
export interface Found {
  /** The text, normalized. */
  readonly text: string;
  readonly findings: readonly Finding[];
}

/**
 * Finds what is somebody's in text that has no form: telephones, identity numbers, payment cards, mail and street
 * addresses, and names beside them.
 *
 * Takes:   text as it stands on a label; it is normalized here, and the places are those of the normalized text.
 * Cost:    linear; 3,072 characters take 0.2 ms at most.
 * Fails:   never.
 */
export function findPersonal(text: string): Found {
  const plain = normalized(text);
  const findings = findNumbers(plain);
  addDocuments(plain, findings);
  if (plain.includes("@")) findings.push(...findMailAddresses(plain));
  const addresses = findAddresses(plain);
  if (addresses.length > 0) endBefore(addresses, plain, findings);
  findings.push(...addresses);
  addPersons(plain, findings);
  return { text: plain, findings };
}

/** A mobile number, and behind it what looks like its extension. */
const withExtension = /^[(+0]*(?:860?)?[)\- ]{0,3}1[3-9](?:[^\d]{0,3}\d){9}(?=[^\d])/;

/** The number of a house is no extension of the telephone before it: that ends where the address begins. */
function endBefore(addresses: readonly Finding[], text: string, numbers: Finding[]): void {
  for (const [index, { kind, start, end }] of numbers.entries()) {
    if (kind !== "phone") continue;
    const [mobile] = withExtension.exec(text.slice(start, end)) ?? [];
    const last = start + (mobile ?? "").length;
    if (mobile !== undefined && addresses.some((one) => one.start >= last && one.start < end))
      numbers[index] = { kind, start, end: last };
  }
}
