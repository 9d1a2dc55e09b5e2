import type { Finding } from "./finding.ts";

/** The longest name before the sign and the longest domain behind it (RFC 5321 §4.5.3.1). */
const nameMax = 64;
const domainMax = 255;

const inName = /[\w.%+'-]/u;
const inDomain = /[a-z0-9.-]/i;
const domain = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9-]+)*\.[a-z]{2,24}/i;

/**
 * Finds mail addresses, outwards from each `@`.
 *
 * Takes:   normalized text.
 * Cost:    linear: no sign looks farther than 320 characters, and none beyond the sign before it.
 */
export function findMailAddresses(text: string): Finding[] {
  const found: Finding[] = [];
  let from = 0;
  for (let sign = text.indexOf("@"); sign >= 0; sign = text.indexOf("@", sign + 1)) {
    let start = sign;
    while (start > from && sign - start < nameMax && isIn(inName, text[start - 1]!)) start -= 1;
    let end = sign + 1;
    while (end < text.length && end - sign <= domainMax && inDomain.test(text[end]!)) end += 1;
    const [match] = domain.exec(text.slice(sign + 1, end)) ?? [];
    if (start < sign && match !== undefined) found.push({ kind: "email", start, end: sign + 1 + match.length });
    from = sign + 1;
  }
  return found;
}

/** Names may be written in any script by now (RFC 6531). */
function isIn(shape: RegExp, character: string): boolean {
  return shape.test(character) || character > "\u00bf";
}
