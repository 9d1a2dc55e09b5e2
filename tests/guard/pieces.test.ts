import fc from "fast-check";
import { expect, it } from "vitest";
import { Pieces } from "../../src/guard/label/pieces.ts";

function all(text: string, separator: string | RegExp): string[] {
  const pieces = new Pieces(text, separator);
  const found: string[] = [];
  for (let piece = pieces.next(); piece !== undefined; piece = pieces.next()) found.push(piece);
  expect(pieces.next()).toBeUndefined();
  return found;
}

const separators = [",", "ab", /,+/g, /[;,]/g, /,(?=a)|(?=b)/g, /(?<=a),/g] as const;

it.each(separators)("pieces between %s are those that split gives", (separator) => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", ",", ";", "x"), maxLength: 24 });
  fc.assert(
    fc.property(text, (one) => {
      expect(all(one, separator)).toStrictEqual(one === "" ? [""] : one.split(separator));
    }),
    { numRuns: 2_000 },
  );
});

it("pieces of one text are found whatever is looked for with the same separator in between", () => {
  const separator = /,/g;
  const outer = new Pieces("a,b,c", separator);
  expect(outer.next()).toBe("a");
  expect(all("x,y", separator)).toStrictEqual(["x", "y"]);
  expect([outer.next(), outer.next(), outer.next()]).toStrictEqual(["b", "c", undefined]);
});
