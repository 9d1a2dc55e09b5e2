/**
 * Stretches of one text, one behind the other: its words, or its groups of digits.
 *
 * A text may hold thousands of them. They are numbers in fields that are used again, for objects would be collected one
 * code in ten, in the middle of a read; nothing of the text itself stays here.
 */
export class Spans {
  #starts = new Uint32Array(256);
  #ends = new Uint32Array(256);
  #marks = new Uint32Array(256);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  clear(): void {
    this.#count = 0;
  }

  /** Adds the stretch `text.slice(start, end)`, with what is known of it. */
  add(start: number, end: number, mark: number): void {
    if (this.#count === this.#starts.length) this.#grow();
    this.#starts[this.#count] = start;
    this.#ends[this.#count] = end;
    this.#marks[this.#count] = mark;
    this.#count += 1;
  }

  startOf(index: number): number {
    return this.#starts[index]!;
  }

  endOf(index: number): number {
    return this.#ends[index]!;
  }

  lengthOf(index: number): number {
    return this.#ends[index]! - this.#starts[index]!;
  }

  /** Of one that is not there: 0. */
  markOf(index: number): number {
    return index >= 0 && index < this.#count ? this.#marks[index]! : 0;
  }

  #grow(): void {
    this.#starts = doubled(this.#starts);
    this.#ends = doubled(this.#ends);
    this.#marks = doubled(this.#marks);
  }
}

function doubled(numbers: Uint32Array): Uint32Array<ArrayBuffer> {
  const grown = new Uint32Array(2 * numbers.length);
  grown.set(numbers);
  return grown;
}
