/** Stops the program on a programmer's error. For what the world does wrong, throw a `SortgateError` instead. */
export function assert(condition: unknown, sentence: string): asserts condition {
  if (!condition) throw new Error(`Broken assumption: ${sentence}`);
}

/** Proves to the compiler that every member of a union was handled. */
export function unreachable(value: never): never {
  throw new Error(`Broken assumption: nothing else is possible, yet there is ${JSON.stringify(value)}`);
}
