/** Candidates that are compared; more than any list of keys or sensible list of names has. */
const candidatesMax = 200;

/** Longer words are not compared: nobody mistypes them into something known. */
const wordCharactersMax = 64;

/** Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other. */
function editDistance(from: string, to: string): number {
  let older: number[] = [];
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const same = from[i - 1] === to[j - 1] ? 0 : 1;
      let best = Math.min((previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1])
        best = Math.min(best, (older[j - 2] ?? 0) + 1);
      current.push(best);
    }
    older = previous;
    previous = current;
  }
  return previous[to.length] ?? 0;
}

/** How a word looks when its writing does not matter: `baudRate`, `baud-rate` and `BAUD_RATE` are one. */
function folded(word: string): string {
  return word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
}

/**
 * The known word that was probably meant.
 *
 * Gives:  nothing if none is near enough to be more than a guess.
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (word === "" || word.length > wordCharactersMax) return undefined;
  let best: string | undefined;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of known.slice(0, candidatesMax)) {
    const distance = folded(word) === folded(candidate) ? 0 : editDistance(word, candidate);
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}
