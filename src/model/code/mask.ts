const keptStart = 2;
const keptEnd = 4;

/** Shorter codes are hidden whole: GB/T 41833-2022 wants at least six digits of a telephone number hidden. */
const partlyShownMin = 12;

/** A code of 3,072 characters must not fill a screen. */
const dotsMax = 12;

/** Bytes that would speak to a terminal are hidden as well. */
const unprintable = /[^!-~]/g;

/**
 * A code for human eyes: its first two and last four characters, the rest hidden.
 *
 * Takes:   any text, also one that came from a hostile label.
 * Gives:   printable ASCII and `•`; at most 18 characters.
 */
export function maskCode(code: string): string {
  if (code.length < partlyShownMin) return "•".repeat(code.length);
  const dots = "•".repeat(Math.min(code.length - keptStart - keptEnd, dotsMax));
  return `${show(code.slice(0, keptStart))}${dots}${show(code.slice(-keptEnd))}`;
}

/** Which stretches of a code stand for human eyes where each byte has its place: its ends, or nothing of a short one. */
export function shownEnds(length: number): readonly { readonly start: number; readonly end: number }[] {
  if (length < partlyShownMin) return [];
  return [
    { start: 0, end: keptStart },
    { start: length - keptEnd, end: length },
  ];
}

function show(part: string): string {
  return part.replace(unprintable, "•");
}
