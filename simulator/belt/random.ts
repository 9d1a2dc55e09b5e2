/** Draws that are the same for the same seed, on every machine. Not for secrets. */
export interface Random {
  /** From 0 up to, not including, 1. */
  fraction(): number;
  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number;
  /** True in `share` of all draws. */
  chance(share: number): boolean;
  pick<Item>(items: readonly Item[]): Item;
  /** As many decimal digits. */
  digits(count: number): string;
}

/**
 * A stream of draws from a seed.
 *
 * Source: "mulberry32", a 32-bit generator in the public domain; its period of 2^32 outlasts any demonstration.
 */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (min: number, max: number): number => min + Math.floor(fraction() * (max - min + 1));
  return {
    fraction,
    between,
    chance: (share) => fraction() < share,
    pick: (items) => items[between(0, items.length - 1)] as (typeof items)[number],
    digits(count) {
      let text = "";
      for (let n = 0; n < count; n += 1) text += between(0, 9);
      return text;
    },
  };
}
