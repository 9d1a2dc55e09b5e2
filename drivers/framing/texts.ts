/** Says whether a frame is exactly one of some texts. */
export type TextMatcher = (bytes: Uint8Array, start: number, end: number) => boolean;

/**
 * Compares whole frames with a few texts, as bytes.
 *
 * Takes:   texts as the technician wrote them: latin1, or UTF-8 where a character is beyond it.
 * Cost:    nothing for a frame whose length is that of no text; never a string.
 */
export function createTextMatcher(texts: readonly string[]): TextMatcher {
  const byLength: Uint8Array[][] = [];
  for (const text of texts) {
    const isLatin1 = [...text].every((character) => (character.codePointAt(0) as number) <= 0xff);
    const bytes = Buffer.from(text, isLatin1 ? "latin1" : "utf8");
    const sameLength = byLength[bytes.length] ?? [];
    sameLength.push(bytes);
    byLength[bytes.length] = sameLength;
  }
  return (bytes, start, end) => {
    const candidates = byLength[end - start];
    if (candidates === undefined) return false;
    return candidates.some((candidate) => {
      for (let i = 0; i < candidate.length; i += 1) if (candidate[i] !== bytes[start + i]) return false;
      return true;
    });
  };
}
