/**
 * The pieces of a text between separators, one at a time: once a label has all the fields that it may have, nobody asks
 * for the rest.
 *
 * Takes:   `separator`, a string, or a pattern with the flag `g`.
 * Gives:   what `text.split` would; undefined after the last.
 */
export class Pieces {
  readonly #text: string;
  readonly #separator: string | RegExp;
  #from = 0;

  constructor(text: string, separator: string | RegExp) {
    this.#text = text;
    this.#separator = separator;
  }

  next(): string | undefined {
    const from = this.#from;
    if (from > this.#text.length) return undefined;
    const end = typeof this.#separator === "string" ? this.#find(this.#separator) : this.#match(this.#separator);
    return this.#text.slice(from, end);
  }

  #find(separator: string): number {
    const at = this.#text.indexOf(separator, this.#from);
    const end = at < 0 ? this.#text.length : at;
    this.#from = end + separator.length;
    return end;
  }

  #match(separator: RegExp): number {
    separator.lastIndex = this.#from;
    let match = separator.exec(this.#text);
    // Where nothing separates, a piece has a character at least.
    if (match?.[0] === "" && match.index === this.#from) {
      separator.lastIndex = this.#from + 1;
      match = separator.exec(this.#text);
    }
    const end = match?.index ?? this.#text.length;
    this.#from = end + (match?.[0].length ?? 1);
    return end;
  }
}
